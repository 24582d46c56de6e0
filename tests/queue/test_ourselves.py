"""Whether a next hop is this server."""

from mailserverd.queue.ourselves import Ourselves, of_this_host


def test_by_name() -> None:
    us = Ourselves("Mail.example", lambda: ())
    assert us.named("mail.EXAMPLE.")
    assert not us.named("mail.example.org")


def test_by_address_and_port_in_any_form() -> None:
    us = Ourselves("m", lambda: [("::1", 25), ("127.0.0.1", 2525)])
    assert us.listens("0:0::1", 25)
    assert us.listens("::ffff:127.0.0.1", 2525)
    assert not us.listens("127.0.0.1", 25)
    assert not us.listens("127.0.0.2", 2525)


def test_on_all_addresses() -> None:
    us = Ourselves("m", lambda: [("0.0.0.0", 25)])
    assert us.listens("127.0.0.9", 25)
    assert not us.listens("192.0.2.1", 25)


def test_what_is_of_this_host() -> None:
    assert of_this_host("127.0.0.1")
    assert not of_this_host("192.0.2.1")
    assert not of_this_host("nonsense")
