"""List-Unsubscribe (RFC 2369 §3.2) for classes of mail that have it, and what comes back by it.

Standing rules: what a recipient unsubscribes from is in the link itself, signed: it works for ever and needs no record;
who mails is not asked, for the link is only in this recipient's mail. A message that has a List-Unsubscribe of its own
keeps it. The URL form, and one click with it (RFC 8058), stands only where `url` is answered.
"""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BinasciiError
from collections.abc import Callable
from typing import NamedTuple

from mailserverd.config.outbound import MailClass, Outbound
from mailserverd.model.address import canonical_domain
from mailserverd.model.identifiers import AccountId
from mailserverd.model.queue_entry import QueuedRecipient, QueueEntry
from mailserverd.queue.signed_address import mac

PREFIX = "unsubscribe"
MAX_TOKEN = 900
_MAC_OCTETS = 12
_NO_CLASS = MailClass()


class Unsubscription(NamedTuple):
    account_id: AccountId
    mail_class: str
    address: str


class Unsubscribe:
    """secret: Directory.server_secret("unsubscribe"). url: what an https link begins with, "" where none is answered.

    is_local: whether mail to a domain comes here.
    """

    def __init__(
        self,
        secret: bytes,
        settings: Callable[[], Outbound],
        is_local: Callable[[str], bool],
        url: Callable[[], str],
    ) -> None:
        self._secret = secret
        self._settings = settings
        self._is_local = is_local
        self._url = url
        self._local = f"{PREFIX}-{mac(secret, 'address')}"

    def applies(self, entry: QueueEntry) -> bool:
        if not self._settings().classes.get(entry.mail_class, _NO_CLASS).unsubscribe:
            return False
        return entry.account_id is not None and self._is_local(canonical_domain(entry.sender.rpartition("@")[2]))

    def fields(self, entry: QueueEntry, recipient: QueuedRecipient) -> bytes:
        """The header fields, each with its line end; for where it applies."""
        assert entry.account_id is not None
        token = self.token(Unsubscription(entry.account_id, entry.mail_class, recipient.address))
        mailto = f"<mailto:{self._local}@{entry.sender.rpartition('@')[2]}?subject={token}>"  # RFC 6068
        url = self._url()
        if not url:
            return f"List-Unsubscribe: {mailto}\r\n".encode()
        return (
            f"List-Unsubscribe: <{url}{token}>,\r\n {mailto}\r\n"
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"  # RFC 8058 §3.1
        ).encode()

    def token(self, wanted: Unsubscription) -> str:
        content = json.dumps([wanted.account_id, wanted.mail_class, wanted.address], separators=(",", ":")).encode()
        return urlsafe_b64encode(self._mac(content) + content).rstrip(b"=").decode("ascii")

    def read(self, token: str) -> Unsubscription | None:
        """None: it is none of ours."""
        if not 20 < len(token) <= MAX_TOKEN or not token.isascii():
            return None
        try:
            octets = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (BinasciiError, ValueError):
            return None
        content = octets[_MAC_OCTETS:]
        if not hmac.compare_digest(self._mac(content), octets[:_MAC_OCTETS]):
            return None
        account_id, mail_class, address = json.loads(content)
        return Unsubscription(AccountId(account_id), mail_class, address)

    def is_address(self, address: str) -> bool:
        """Whether mail to it is an unsubscription."""
        local, _, domain = address.rpartition("@")
        return local.lower() == self._local and self._is_local(canonical_domain(domain))

    def in_subject(self, subject: str) -> Unsubscription | None:
        """Clients may put words before it, and fold it."""
        for word in subject.split()[-3:]:
            found = self.read(word)
            if found is not None:
                return found
        return self.read("".join(subject.split()))

    def _mac(self, content: bytes) -> bytes:
        return hmac.digest(self._secret, b"unsubscribe\0" + content, "sha256")[:_MAC_OCTETS]


def has_field(header: bytes) -> bool:
    """Whether a header has a List-Unsubscribe of its own."""
    low = b"\n" + header.lower()
    return b"\nlist-unsubscribe:" in low or b"\nlist-unsubscribe " in low
