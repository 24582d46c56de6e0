"""Networks and listening addresses."""

import pytest

from mailserverd.config.values import ListenAddress, Networks


def test_addresses_in_networks() -> None:
    networks = Networks(["10.0.0.0/8", "2001:db8::/32", "192.0.2.7"])
    assert "10.255.0.1" in networks
    assert "192.0.2.7" in networks
    assert "2001:db8::1" in networks
    assert "11.0.0.1" not in networks
    assert "192.0.2.8" not in networks


def test_an_ipv4_client_of_a_dual_stack_socket_is_an_ipv4_client() -> None:
    assert "::ffff:10.1.2.3" in Networks(["10.0.0.0/8"])


def test_a_link_local_address_with_its_zone() -> None:
    assert "fe80::1%eth0" in Networks(["fe80::/10"])


@pytest.mark.parametrize("what", ["", "localhost", "10.0.0", None, 5])
def test_what_is_no_address_is_in_no_network(what: object) -> None:
    assert what not in Networks(["0.0.0.0/0", "::/0"])


def test_an_empty_list_holds_nobody() -> None:
    assert not Networks()
    assert "127.0.0.1" not in Networks()


def test_networks_are_values() -> None:
    assert Networks(["10.0.0.0/8"]) == Networks(["10.0.0.0/8"])
    assert hash(Networks(["10.0.0.0/8"])) == hash(Networks(["10.0.0.0/8"]))
    assert [str(each) for each in Networks(["10.0.0.0/8"])] == ["10.0.0.0/8"]


@pytest.mark.parametrize("text", ["127.0.0.1:25", "[::1]:25", "0.0.0.0:65535"])
def test_a_listen_address_is_written_as_it_is_read(text: str) -> None:
    assert str(ListenAddress.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "25", ":25", "1.2.3.4", "1.2.3.4:", "1.2.3.4:-1", "1.2.3.4:٢", "host:25", "[::1]25"]
)
def test_what_is_no_listen_address(text: str) -> None:
    with pytest.raises(ValueError, match='write "IP:PORT"'):
        ListenAddress.parse(text)
