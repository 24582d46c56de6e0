"""Whom to ask."""

from pathlib import Path

from mailserverd.backends.dns.nameservers import REST_SECONDS, nameservers, system_hosts
from mailserverd.config.outbound import Dns


def test_those_of_the_settings_in_their_order() -> None:
    found = nameservers(Dns(nameservers=("192.0.2.1:5300", "[::1]:54", "::2", "192.0.2.1:5300")))
    assert [str(each) for each in found.all] == ["192.0.2.1:5300", "[::1]:54", "[::2]:53"]
    assert [each.believed for each in found.all] == [False, True, False]


def test_else_those_of_the_system_else_this_host(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text(
        "# x\nsearch a.example\nnameserver 192.0.2.1\nnameserver fe80::1%eth0\nnameserver nonsense\nnameserver\n"
    )
    assert system_hosts(file) == ["192.0.2.1", "fe80::1%eth0"]
    assert [each.host for each in nameservers(Dns(), file).all] == ["192.0.2.1", "fe80::1%eth0"]
    found = nameservers(Dns(), tmp_path / "missing")
    assert [str(each) for each in found.all] == ["127.0.0.1:53"]
    assert found.believed


def test_one_that_was_silent_is_asked_last_for_a_while() -> None:
    found = nameservers(Dns(nameservers=("192.0.2.1", "192.0.2.2")))
    first, second = found.all
    found.silent(first, 100.0)
    assert found.order(101.0) == [second, first]
    assert found.order(100.0 + REST_SECONDS) == [first, second]
    found.silent(first, 200.0)
    found.answered(first)
    assert found.order(201.0) == [first, second]
