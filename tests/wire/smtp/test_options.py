"""The parameters of MAIL and RCPT that are about sending: what they mean, and what is wrong with them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailserverd.wire.smtp.command import parse_mail, parse_rcpt
from mailserverd.wire.smtp.keywords import Offer, keyword_lines, mail_parameters, recipient_parameters
from mailserverd.wire.smtp.options import MailOptions, RcptOptions, date_text, xtext
from mailserverd.wire.smtp.reply import BadCommand

OFFER = Offer(1000, 10, starttls=False, sends=True, tls=True)
ALL, ALL_OF_RCPT = mail_parameters(OFFER, authentication=True), recipient_parameters(OFFER)


def of_mail(parameters: str) -> MailOptions:
    return parse_mail(f"FROM:<a@b.example> {parameters}".encode(), ALL).options


def of_rcpt(parameters: str) -> RcptOptions:
    return parse_rcpt(f"TO:<a@b.example> {parameters}".encode(), True, ALL_OF_RCPT)[1]


@pytest.mark.parametrize(
    ("parameters", "options"),
    [
        ("RET=full ENVID=QQ+2B314159", MailOptions(ret="FULL", envid="QQ+314159")),
        ("REQUIRETLS SIZE=9", MailOptions(require_tls=True)),
        ("MT-PRIORITY=-9", MailOptions(priority=-9)),
        ("BY=120;R", MailOptions(deliver_by=120, by_mode="R")),
        ("BY=-5;nT", MailOptions(deliver_by=-5, by_mode="N")),
        ("HOLDFOR=86400", MailOptions(hold_seconds=86400)),
        ("HOLDUNTIL=2026-11-24T12:00:00Z", MailOptions(hold_until=1_795_521_600)),
        ("HOLDUNTIL=2026-11-24T13:00:00+01:00", MailOptions(hold_until=1_795_521_600)),
    ],
)
def test_what_mail_asks_for(parameters: str, options: MailOptions) -> None:
    assert of_mail(parameters) == options


@pytest.mark.parametrize(
    ("parameters", "options"),
    [
        ("NOTIFY=NEVER", RcptOptions("NEVER")),
        ("NOTIFY=success,Failure,DELAY", RcptOptions("DELAY,FAILURE,SUCCESS")),
        ("ORCPT=rfc822;Anna+2Bx@b.example", RcptOptions(orcpt="rfc822;Anna+x@b.example")),
        ("ORCPT=utf-8;ä@b.example", RcptOptions(orcpt="utf-8;ä@b.example")),
    ],
)
def test_what_rcpt_asks_for(parameters: str, options: RcptOptions) -> None:
    assert of_rcpt(parameters) == options


@pytest.mark.parametrize(
    "parameters",
    [
        "RET=ALL", "RET", "ENVID=", "ENVID=a+zz", "ENVID=" + "a" * 101, "ENVID=+0D+0A", "REQUIRETLS=1",
        "MT-PRIORITY=10", "MT-PRIORITY=-0", "MT-PRIORITY=--1", "BY=0;R", "BY=-1;R", "BY=1;X", "BY=1234567890;R", "BY=1",
        "HOLDFOR=0", "HOLDFOR=99999999", "HOLDFOR=x", "HOLDUNTIL=tomorrow", "HOLDUNTIL=2026-13-24T12:00:00Z",
        "HOLDFOR=1 HOLDUNTIL=2026-11-24T12:00:00Z",
    ],
)  # fmt: skip
def test_what_is_wrong_with_mail(parameters: str) -> None:
    with pytest.raises(BadCommand) as caught:
        of_mail(parameters)
    assert caught.value.reply.startswith(b"501 5.5.4")


@pytest.mark.parametrize(
    "parameters",
    ["NOTIFY=", "NOTIFY=NEVER,FAILURE", "NOTIFY=DELAY,DELAY", "NOTIFY=WHEN", "ORCPT=a@b", "ORCPT=rfc822;a+b",
     "ORCPT=rfc822;+0A", "ORCPT=rfc822;" + "a" * 500],
)  # fmt: skip
def test_what_is_wrong_with_rcpt(parameters: str) -> None:
    with pytest.raises(BadCommand) as caught:
        of_rcpt(parameters)
    assert caught.value.reply.startswith(b"501 5.5.4")


def test_requiretls_is_offered_over_tls_only() -> None:
    plain = OFFER._replace(tls=False)
    assert "REQUIRETLS" in keyword_lines(OFFER)
    assert "REQUIRETLS" not in keyword_lines(plain)
    assert b"REQUIRETLS" not in mail_parameters(plain, authentication=True)


def test_a_door_that_sends_nothing_offers_none_of_it() -> None:
    offer = OFFER._replace(sends=False)
    assert recipient_parameters(offer) == frozenset()
    assert not {"DSN", "DELIVERBY", "MT-PRIORITY", "REQUIRETLS"} & set(keyword_lines(offer))


def test_how_long_mail_can_be_held_is_said_in_seconds_and_as_a_date() -> None:
    lines = keyword_lines(OFFER, date_text(1_795_521_600))
    assert "FUTURERELEASE 31536000 2026-11-24T12:00:00Z" in lines


@given(st.text(st.characters(min_codepoint=33, exclude_categories=("C", "Z")), min_size=1, max_size=20))
def test_xtext_comes_back(text: str) -> None:
    assert of_mail(f"ENVID={xtext(text)}").envid == text if len(xtext(text)) <= 100 else True
