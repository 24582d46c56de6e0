"""The envelope of a message and where its recipients' mail goes.

Standing rule: made by a protocol at the end of a message, never changed afterwards.
"""

from typing import NamedTuple

from mailserverd.model.account import Account
from mailserverd.wire.smtp.options import NO_MAIL_OPTIONS, MailOptions, RcptOptions


class Remote(NamedTuple):
    """A recipient at another server. destination: its domain in lower case and ASCII, or an address literal.

    forwarded_by: the address here that leads there; "": the sender named it. notify, orcpt: RFC 3461.
    """

    address: str
    destination: str
    forwarded_by: str = ""
    notify: str = ""
    orcpt: str = ""


class Routed(NamedTuple):
    """One RCPT that was accepted. address: as it came, without angle brackets; accounts: each once; with what is
    remote at least one, but for a report: mail to an address of this server's making, which is read."""

    address: bytes
    accounts: tuple[Account, ...]
    remote: tuple[Remote, ...] = ()
    notify: str = ""
    orcpt: str = ""
    report: bool = False

    def asked(self, options: RcptOptions) -> "Routed":
        """With what the sender wants to be told of it."""
        notify, orcpt = options
        remote = tuple(each._replace(notify=notify, orcpt=orcpt) for each in self.remote)
        return self._replace(remote=remote, notify=notify, orcpt=orcpt)


class Envelope(NamedTuple):
    """door: "smtp", "submission" or "lmtp". received: the Received line up to its id (trace_headers.received_start).

    apart: each recipient is answered on its own (LMTP), so that only copies of one recipient share a fate.
    account: who is logged in. body: "7BIT", "8BITMIME" or "BINARYMIME", as declared; utf8: SMTPUTF8 was asked for.
    """

    door: str
    session: str
    queue_id: str
    reverse_path: bytes
    recipients: tuple[Routed, ...]
    received: bytes
    apart: bool = False
    account: Account | None = None
    body: str = "7BIT"
    utf8: bool = False
    options: MailOptions = NO_MAIL_OPTIONS
