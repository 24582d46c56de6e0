"""wire/smtp/keywords.py"""

from mailserverd.wire.smtp.keywords import Offer, keyword_lines, mail_parameters


def test_all_that_is_on() -> None:
    assert keyword_lines(Offer(1000, 50, starttls=True, mechanisms=("PLAIN", "LOGIN"))) == [
        "PIPELINING",
        "SIZE 1000",
        "8BITMIME",
        "SMTPUTF8",
        "ENHANCEDSTATUSCODES",
        "CHUNKING",
        "BINARYMIME",
        "LIMITS RCPTMAX=50",
        "STARTTLS",
        "AUTH PLAIN LOGIN",
    ]


def test_what_is_off_is_not_offered() -> None:
    text = " ".join(keyword_lines(Offer(1, 1, starttls=False)))
    assert "STARTTLS" not in text
    assert "AUTH" not in text


def test_parameters_follow_the_offer() -> None:
    assert mail_parameters(Offer(1, 1, False), authentication=False) == {b"SIZE", b"BODY", b"SMTPUTF8"}
    assert b"AUTH" in mail_parameters(Offer(1, 1, False), authentication=True)
