"""imap/input_limits.py: room before and after the login."""

from types import SimpleNamespace

from mailserverd.config.schema import Imap
from mailserverd.imap.input_limits import append_limit, line_limit, literal_limit


def session(own=None, login=True):
    settings = SimpleNamespace(imap=Imap(max_line_bytes=50_000, max_literal_bytes=60_000, max_append_bytes=70_000))
    account = SimpleNamespace(max_message_octets=own)
    return SimpleNamespace(
        login=login or None, account=account, settings=settings, services=SimpleNamespace(settings=settings)
    )


def test_before_the_login_there_is_little_room():
    stranger, known = session(login=False), session()
    assert (line_limit(stranger), literal_limit(stranger)) == (16_384, 16_384)
    assert (line_limit(known), literal_limit(known)) == (50_000, 60_000)


def test_an_account_may_have_a_limit_of_its_own():
    assert append_limit(session()) == 70_000
    assert append_limit(session(own=10)) == 10
    assert append_limit(session(own=80_000)) == 70_000
