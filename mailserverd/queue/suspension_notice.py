"""The mail that tells the owner of an account, and the administrator, that it is suspended from sending. Pure."""

from datetime import UTC, datetime
from email.utils import format_datetime


def suspension_notice(hostname: str, account: str, to: str, why: str, since: int, unique: str) -> bytes:
    """to: whom it goes to, the account itself or the administrator. unique: makes the Message-ID."""
    date = format_datetime(datetime.fromtimestamp(since, UTC))
    command = f"mailserverd account resume {account}"
    lines = [
        f"From: Mail System <MAILER-DAEMON@{hostname}>",
        f"To: <{to}>",
        "Subject: Account suspended from sending",
        f"Date: {date}",
        f"Message-ID: <suspended.{unique}@{hostname}>",
        "Auto-Submitted: auto-generated",  # RFC 3834 §5
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        "",
        f"The account {account} is suspended from sending to other servers since {date}:",
        "",
        f"  {why}",
        "",
        "It still receives mail, and may still send within this server. What waits in the queue stays there.",
        "Please look for the cause: an old list of recipients, or somebody else who knows the password.",
        f"The administrator lifts the suspension with: {command}",
        "",
    ]
    return "\r\n".join(lines).encode()
