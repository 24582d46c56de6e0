"""wire/smtp/reply.py"""

from mailserverd.wire.smtp.reply import MAX_TEXT_OCTETS, BadCommand, printable, reply, reply_lines


def test_one_line_with_and_without_an_enhanced_code() -> None:
    assert reply(250, "2.1.0", "ok") == b"250 2.1.0 ok\r\n"
    assert reply(354, "", "go") == b"354 go\r\n"


def test_several_lines_have_a_hyphen_but_for_the_last() -> None:
    assert reply_lines(250, ["a", "b", "c"]) == b"250-a\r\n250-b\r\n250 c\r\n"
    assert reply_lines(250, ["a"]) == b"250 a\r\n"


def test_what_a_client_sent_cannot_break_a_line() -> None:
    assert reply(550, "5.1.1", "no \r\n250 ok") == b"550 5.1.1 no ??250 ok\r\n"
    assert printable("Jürgen\0") == "J?rgen?"


def test_a_line_stays_under_512_octets() -> None:
    """RFC 5321 §4.5.3.1.5."""
    assert len(printable("x" * 5000)) == MAX_TEXT_OCTETS
    assert len(reply(550, "5.1.1", "x" * 5000)) <= 512


def test_a_bad_command_carries_its_reply() -> None:
    assert BadCommand(501, "5.5.4", "no").reply == b"501 5.5.4 no\r\n"
