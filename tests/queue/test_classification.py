"""Replies as receiving servers send them, and what they mean."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mailserverd.queue
from mailserverd.queue.classification import Classifier, Kind, Rule, known_phrases, plain

HARD, SOFT, BLOCK, POLICY, FULL = Kind.HARD, Kind.SOFT, Kind.BLOCK, Kind.POLICY, Kind.FULL
GREY, UNKNOWN = Kind.GREYLISTED, Kind.UNKNOWN

REPLIES = [
    # Gmail
    (550, "5.1.1", "550-5.1.1 The email account that you tried to reach does not exist. Please try", HARD, False),
    (550, "5.2.1", "550 5.2.1 The email account that you tried to reach is inactive. q5 - gsmtp", HARD, False),
    (452, "4.2.2", "452-4.2.2 The recipient's inbox is out of storage space. Please direct the", FULL, False),
    (550, "5.2.1", "550-5.2.1 The user you are trying to contact is receiving mail too quickly", SOFT, False),
    (
        421,
        "4.7.28",
        "421-4.7.28 Gmail has detected an unusual rate of unsolicited mail originating\n421 4.7.28 from your IP",
        BLOCK,
        True,
    ),
    (
        550,
        "5.7.1",
        "550-5.7.1 [192.0.2.1] The IP you're using to send mail is not authorized to\n"
        "550-5.7.1 send email directly to our servers. Please use the SMTP relay",
        BLOCK,
        True,
    ),
    (550, "5.7.26", "550-5.7.26 Unauthenticated email from example.org is not accepted due to", POLICY, False),
    (550, "5.7.25", "550-5.7.25 The IP address sending this message does not have a PTR record", BLOCK, True),
    (421, "4.7.0", "421 4.7.0 Try again later, closing connection. (EHLO) - gsmtp", SOFT, True),
    # Microsoft
    (550, "5.5.0", "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).", HARD, False),
    (550, "5.4.1", "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)", HARD, False),
    (550, "5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address", HARD, False),
    (
        550,
        "5.7.1",
        "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service"
        " provider since part of their network is on our block list (S3150).",
        BLOCK,
        True,
    ),
    (451, "4.7.650", "451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to", BLOCK, True),
    (421, "", "421 RP-001 The mail server IP connecting to Outlook.com server has exceeded", BLOCK, True),
    (451, "4.7.500", "451 4.7.500 Server busy. Please try again later from [192.0.2.1].", SOFT, True),
    (550, "5.7.515", "550 5.7.515 Access denied, sending domain example.org doesn't meet the required", POLICY, False),
    (432, "4.3.2", "432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/x", SOFT, True),
    # Yahoo
    (421, "4.7.0", "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected", BLOCK, True),
    (553, "5.7.2", "553 5.7.2 [TSS09] All messages from 192.0.2.1 will be permanently deferred", BLOCK, True),
    (554, "", "554 delivery error: dd This user doesn't have a yahoo.com account (x@yahoo.com)", HARD, False),
    (554, "5.7.9", "554 5.7.9 Message not accepted for policy reasons. See https://postmaster", POLICY, False),
    (451, "", "451 4.7.1 [GL01] Message from (192.0.2.1) temporarily deferred", GREY, False),
    # iCloud, GMX, T-Online
    (554, "5.7.1", "554 5.7.1 [HM07] Message rejected due to local policy. Please visit", BLOCK, True),
    (550, "5.7.1", "550 5.7.1 [CS01] Message rejected due to local policy.", POLICY, False),
    (554, "", "554-gmx.net (mxgmx101) Nemesis ESMTP Service not available\n554-No SMTP service", BLOCK, True),
    (421, "", "421-gmx.net (mxgmx101) Nemesis ESMTP Service not available", SOFT, True),
    (554, "", "554-Transaction failed\n554-Reject due to policy restrictions.", POLICY, False),
    (
        554,
        "",
        "554 IP=192.0.2.1 - A problem occurred. (Ask your postmaster for help or to contact"
        " tosa@rx.t-online.de to clarify.)",
        BLOCK,
        True,
    ),
    (550, "5.7.0", "550-5.7.0 Message considered as spam or virus, rejected", POLICY, False),
    # Proofpoint, Mimecast, Barracuda, Spamhaus
    (554, "", "554 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1", BLOCK, True),
    (452, "", "452 Too many recipients received this hour", SOFT, True),
    (550, "", "550 Invalid Recipient - https://community.mimecast.com/docs/DOC-1369#550", HARD, False),
    (451, "", "451 Internal resources are temporarily unavailable - https://community.mimecast.com", GREY, False),
    (550, "", "550 csi.mimecast.org Poor Reputation Sender. - https://community.mimecast.com", BLOCK, True),
    (550, "", "550 Rejected by header based Anti-Spoofing policy", POLICY, False),
    (554, "", "554 Service unavailable; Client host [192.0.2.1] blocked using Barracuda Reputation", BLOCK, True),
    (550, "", "550 permanent failure for one or more recipients (x@example.net:blocked)", POLICY, False),
    (
        554,
        "5.7.1",
        "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
        BLOCK,
        True,
    ),
    (554, "5.7.1", "554 5.7.1 Sender domain listed, see https://www.spamhaus.org/dbl/x", POLICY, False),
    # Postfix, Exim, qmail, Domino
    (550, "5.1.1", "550 5.1.1 <x@example.net>: Recipient address rejected: User unknown in local table", HARD, False),
    (450, "4.1.1", "450 4.1.1 <x@example.net>: Recipient address rejected: unverified: User unknown", SOFT, False),
    (450, "4.2.0", "450 4.2.0 <x@example.net>: Recipient address rejected: Greylisted, see", GREY, False),
    (451, "4.7.1", "451 4.7.1 Greylisting in action, please come back in 00:05:00", GREY, False),
    (550, "", "550 Unrouteable address", HARD, False),
    (550, "", "550 User x not listed in Domino Directory", HARD, False),
    (554, "5.7.1", "554 5.7.1 <x@example.net>: Relay access denied", POLICY, False),
    (550, "5.1.8", "550 5.1.8 <a@example.org>: Sender address rejected: Domain not found, user unknown", POLICY, False),
    (552, "5.2.2", "552 5.2.2 Over quota", FULL, False),
    (552, "", "552 sorry", FULL, False),
    (552, "5.3.4", "552 5.3.4 Message size exceeds fixed limit", POLICY, False),
    # by the code alone
    (550, "5.1.1", "550 5.1.1 no", HARD, False),
    (550, "5.7.1", "550 5.7.1 no", POLICY, False),
    (550, "5.6.3", "550 5.6.3 no", POLICY, False),
    (550, "", "550 no", UNKNOWN, False),
    (554, "5.0.0", "554 5.0.0 no", UNKNOWN, False),
    (451, "4.3.0", "451 4.3.0 later", SOFT, False),
    (451, "4.7.1", "451 4.7.1 later", SOFT, True),
    (421, "4.3.2", "421 4.3.2 going down", SOFT, True),
    (0, "", "", SOFT, False),
    (0, "5.1.10", "the domain takes no mail", HARD, False),
    (0, "4.4.1", "connection refused", SOFT, False),
]


@pytest.mark.parametrize(("code", "status", "reply", "kind", "slow"), REPLIES, ids=lambda each: str(each)[:40])
def test_a_reply_means(code: int, status: str, reply: str, kind: Kind, slow: bool) -> None:
    verdict = known_phrases().classify(code, status, reply)
    assert (verdict.kind, verdict.slow) == (kind, slow), verdict


def test_continued_lines_are_one_text() -> None:
    reply = "550-5.7.1 send email\r\n550-5.7.1 directly  to\n550 5.7.1 our servers"
    assert plain(reply) == "550 5.7.1 send email directly to our servers"


def test_the_first_rule_counts_and_of_says_whose_it_is() -> None:
    rules = [Rule(POLICY, ("no way",), False, "a"), Rule(BLOCK, ("no",), False, "b")]
    assert Classifier(rules).classify(550, "", "550 No  way").of == "a"
    assert Classifier(rules).classify(550, "", "550 No").of == "b"


def test_every_phrase_can_be_reached() -> None:
    """A phrase below one that is part of it would never count; one that is not lower case neither."""
    data = tomllib.loads((Path(mailserverd.queue.__file__).parent / "replies.toml").read_text())
    above: list[str] = []
    for rule in data["rule"]:
        assert set(rule) <= {"kind", "phrases", "slow", "of"}
        for phrase in rule["phrases"]:
            assert plain(phrase + "x")[:-1].strip() == phrase.lower().strip()
            assert [each for each in above if each in phrase.lower()] == [], phrase
            above.append(phrase.lower())


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 999), st.text(max_size=8), st.text(max_size=3000))
def test_whatever_a_server_says_is_classified(code: int, status: str, reply: str) -> None:
    verdict = known_phrases().classify(code, status, reply)
    assert verdict.kind is not HARD or code >= 500 or status.startswith("5")
