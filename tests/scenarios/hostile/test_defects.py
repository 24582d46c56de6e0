"""The defects that were found in twisted.mail by test and must not survive: each with the tests that hold it off.

Standing rule: the list is that of the design's report; a defect without a test that exists fails here.
"""

import ast
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TESTS = HERE.parents[1]
IMAP, SMTP, POP3 = (f"scenarios/hostile/test_twisted_mail_defects_{name}.py" for name in ("imap", "smtp", "pop3"))
DURABLE, STOCK = (f"scenarios/hostile/test_{name}.py" for name in ("durable_answers", "without_twisted_mail"))

DEFECTS = {
    "IMAP 1: plaintext behind STARTTLS is run inside TLS": [
        f"{IMAP}::test_imap_1_nothing_from_before_starttls_is_run_inside_tls",
        "imap/test_server.py::test_starttls_throws_away_what_came_in_the_clear",
    ],
    "IMAP 2: pipelined commands are run too early, answers come out of order": [
        f"{IMAP}::test_imap_2_pipelined_commands_are_run_in_order",
        "imap/test_server.py::test_one_command_in_flight_and_answers_in_order",
    ],
    "IMAP 3: a partial fetch gives the whole body; non-PEEK does not set \\Seen": [
        f"{IMAP}::test_imap_3_a_partial_fetch_gives_those_octets_and_sets_seen",
        "imap/commands/test_fetch.py::test_a_body_is_given_back_octet_for_octet_and_seen_is_told_with_it",
    ],
    "IMAP 4: header fields are lost, renamed, without their blank line": [
        f"{IMAP}::test_imap_4_header_fields_as_they_came"
    ],
    "IMAP 5: SEARCH raises, ignores CHARSET and literals, says nothing when nothing is found": [
        f"{IMAP}::test_imap_5_search_answers_each_key",
        f"{IMAP}::test_imap_5_search_reads_literals_and_refuses_unknown_charsets",
    ],
    "IMAP 6: SELECT lacks most responses; missing mailboxes are BAD Server error": [
        f"{IMAP}::test_imap_6_select_tells_all_and_missing_mailboxes_are_refused"
    ],
    "IMAP 7: names unquoted, no escapes, *:* refused, unknown items are errors, IDLE ends on any line": [
        f"{IMAP}::test_imap_7_quoting_stars_unknown_items_and_the_end_of_idle",
        "imap/test_server.py::test_idle_tells_at_once_and_ends_on_done_only",
    ],
    "IMAP 8: NAMESPACE twice, STATUS selects, AUTHENTICATE cannot be cancelled": [
        f"{IMAP}::test_imap_8_namespace_cancelled_logins_and_status_of_another_mailbox"
    ],
    "IMAP 9: a turn an attribute, RecursionError at message 242, no back-pressure": [
        f"{IMAP}::test_imap_9_many_messages_are_answered_and_a_client_that_does_not_read_costs_nothing"
    ],
    "IMAP 10: parsing octet by octet, sets sorted per element, buffers copied per line": [
        f"{IMAP}::test_imap_10_long_sets_and_deep_nesting_take_no_time",
        f"{IMAP}::test_imap_10_many_lines_in_one_piece_take_no_time",
    ],
    "IMAP: negative and endless literals are accepted": [f"{IMAP}::test_literals_that_are_no_literals"],
    "SMTP 1: plaintext behind STARTTLS is run inside TLS": [
        f"{SMTP}::test_smtp_1_nothing_from_before_starttls_is_run_inside_tls",
        "smtp/test_server.py::test_plaintext_behind_starttls_is_thrown_away",
    ],
    "SMTP 2: behind an over-long line the rest of a body is taken for commands": [
        f"{SMTP}::test_smtp_2_a_long_line_in_data_never_becomes_commands",
        "smtp/test_session.py::test_a_long_line_in_data_is_never_a_command",
    ],
    "SMTP 3: pipelined commands are answered out of order": [
        f"{SMTP}::test_smtp_3_pipelined_commands_are_answered_in_order",
        "smtp/test_server.py::test_one_command_is_in_flight_and_answers_are_in_order",
    ],
    "SMTP 4: bare line ends are passed on": [f"{SMTP}::test_smtp_4_bare_line_ends_are_refused_and_smuggle_nothing"],
    "SMTP 5: one result for all recipients, any failure a flat 550": [
        f"{SMTP}::test_smtp_5_each_recipient_has_its_own_result",
        "scenarios/hostile/test_full_disk.py::test_a_full_disk_is_told_and_survived",
    ],
    "SMTP: hardly an extension, parameters ignored, AUTH before TLS": [f"{SMTP}::test_what_ehlo_offers_and_refuses"],
    "POP3: capabilities misspelt and missing, no initial response": [
        f"{POP3}::test_pop3_capabilities_are_spelt_right_and_kept"
    ],
    "POP3: a pipelined login is refused": [f"{POP3}::test_pop3_a_pipelined_login_is_answered_in_order"],
    "POP3: a missing argument drops the connection": [
        f"{POP3}::test_pop3_a_missing_or_wrong_argument_is_an_error_and_no_more"
    ],
    "POP3: dots at the edge of a chunk are not stuffed": [f"{POP3}::test_pop3_dots_are_stuffed_at_every_edge"],
    "POP3: STLS keeps what came in the clear": [f"{POP3}::test_pop3_nothing_from_before_stls_is_run_inside_tls"],
    "Nagle: each RETR waits 40 ms": [f"{POP3}::test_pop3_no_reply_waits_for_a_delayed_ack"],
    "250 before the message is durable": [f"{DURABLE}::test_every_answer_follows_an_fsync_that_follows_the_message"],
    "octets reach the stock engines": [
        f"{STOCK}::test_smtp_of_every_kind",
        f"{STOCK}::test_imap",
        f"{STOCK}::test_pop3",
    ],
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_every_defect_has_its_tests(defect: str) -> None:
    for path, name in (test.split("::") for test in DEFECTS[defect]):
        tree = ast.parse((TESTS / path).read_text())
        found = next((node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name), None)
        assert found is not None, f"{path} has no {name}"
        assert any(isinstance(node, ast.Assert) or getattr(node, "id", "") == "answer" for node in ast.walk(found)) or (
            "attr='ask'" in ast.dump(found)
        )


def test_no_numbered_defect_is_left_out() -> None:
    for protocol, count in (("IMAP", 10), ("SMTP", 5)):
        for number in range(1, count + 1):
            assert any(defect.startswith(f"{protocol} {number}:") for defect in DEFECTS)
    assert any(defect.startswith("POP3:") for defect in DEFECTS)
    assert any(defect.startswith("Nagle:") for defect in DEFECTS)
