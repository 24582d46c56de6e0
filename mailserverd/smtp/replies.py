"""The replies of this room, made once; and the one table from an Outcome to a reply.

Standing rule: an error of ours is 4xx, theirs is 5xx; codes as RFC 5321 §4.2.2 and §4.3.2, statuses as RFC 3463.
"""

from mailserverd.model.outcome import Delivered, Outcome, TryLater
from mailserverd.wire.smtp.reply import reply, reply_lines

MAIL_OK = reply(250, "2.1.0", "sender ok")
RCPT_OK = reply(250, "2.1.5", "recipient ok")
RESET = reply(250, "2.0.0", "reset")
NOOP_OK = reply(250, "2.0.0", "ok")
GO_AHEAD = reply(354, "", "send the message, end it with a line that is a single dot")
READY_FOR_TLS = reply(220, "2.0.0", "ready to start TLS")
LOGGED_IN = reply(235, "2.7.0", "logged in")
CANNOT_VERIFY = reply(252, "2.1.5", "cannot say before mail comes; send some")
HELP = reply_lines(
    214,
    [
        "2.0.0 commands: EHLO HELO LHLO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP STARTTLS AUTH QUIT",
        "2.0.0 what is on for you now stands in the answer to EHLO (LHLO on LMTP)",
    ],
)

UNKNOWN_COMMAND = reply(500, "5.5.1", "no such command")
NOT_IMPLEMENTED = reply(502, "5.5.1", "this command is not in use here")
LINE_TOO_LONG = reply(500, "5.5.2", "line too long")
BAD_OCTETS = reply(500, "5.5.2", "a command ends with CRLF and holds no CR, LF or NUL")
NO_ARGUMENT = reply(501, "5.5.4", "this command takes no argument")
VRFY_WHAT = reply(501, "5.5.4", "name somebody")
AUTH_HOW = reply(501, "5.5.4", "use AUTH mechanism [initial-response]")
WRONG_GREETING = reply(500, "5.5.1", "say LHLO on LMTP, EHLO elsewhere")
GREET_FIRST = reply(503, "5.5.1", "say EHLO first")
NESTED_MAIL = reply(503, "5.5.1", "a sender was given already")
MAIL_FIRST = reply(503, "5.5.1", "MAIL comes first")
RCPT_FIRST = reply(503, "5.5.1", "RCPT comes first")
NO_VALID_RECIPIENTS = reply(554, "5.5.1", "no valid recipients")
BDAT_BEGUN = reply(503, "5.5.1", "this message began with BDAT")
BINARY_NEEDS_BDAT = reply(503, "5.5.1", "BINARYMIME goes with BDAT only")  # RFC 3030 §3
RSET_FIRST = reply(503, "5.5.1", "a chunk failed; RSET comes first")  # RFC 3030 §2
TLS_ALREADY = reply(503, "5.5.1", "TLS is on already")
TLS_UNAVAILABLE = reply(454, "4.7.0", "TLS is not available")
AUTH_ALREADY = reply(503, "5.5.1", "you are logged in already")
AUTH_IN_MAIL = reply(503, "5.5.1", "not while a message is being given")  # RFC 4954 §4
LOGIN_FIRST = reply(530, "5.7.0", "log in first")
TLS_FIRST = reply(530, "5.7.0", "say STARTTLS first")  # RFC 3207 §4
NOT_YOURS = reply(553, "5.7.1", "this is not an address of your account")
SENDER_UNKNOWN_NOW = reply(451, "4.3.0", "cannot look the sender up now")
TOO_LARGE = reply(552, "5.3.4", "the message is larger than this server takes")
TOO_MANY_RECIPIENTS = reply(452, "4.5.3", "too many recipients")
TOO_MANY_MESSAGES = reply(450, "4.7.1", "too many messages a minute from your address")
OUR_ERROR = reply(451, "4.3.0", "an error of this server; try again later")


def outcome_reply(outcome: Outcome, queue_id: str) -> bytes:
    """The answer to a message, or in LMTP to one of its recipients."""
    if isinstance(outcome, Delivered):
        return b"250 2.0.0 ok, stored as %b\r\n" % queue_id.encode("ascii")
    return reply(outcome_code(outcome.status, isinstance(outcome, TryLater)), outcome.status, outcome.why)


_CODES = {
    "4.2.2": 452,  # mailbox full
    "4.3.1": 452,  # mail system full
    "4.5.3": 452,
    "4.2.1": 450,
    "4.2.0": 450,
    "5.1.1": 550,
    "5.2.1": 550,
    "5.7.1": 550,
    "5.2.2": 552,
    "5.3.4": 552,
    "5.4.6": 554,
    "5.6.0": 554,
}


def outcome_code(status: str, temporary: bool) -> int:
    """The basic code that goes with an enhanced status code."""
    return _CODES.get(status, 451 if temporary else 554)
