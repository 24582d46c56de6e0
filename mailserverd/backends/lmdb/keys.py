"""Keys of one account's mail: "A", the account (8 octets), one octet for the kind, then what names the record.

a                       AccountRecord              c modseq(8)            a step of the history
m mailbox(4)            MailboxRecord              x mailbox(4) modseq(8) UIDs expunged then
r mailbox(4) uid(4)     row of a placement         k week(2) key          result of a keyed commit
s mailbox(4) uid(4)     state page from that uid   t hash(16)             thread of a message id
b email_id(16)          content                    u hash(16)             newest thread of a base subject
e email_id(16)          placements                 T thread(16) email(16) member of a thread it did not begin
p name                  attribute                  w name(8)              a COPY that is not whole yet
"""

INDEX_JOURNAL = b"J"
UID_VALIDITY = b"Fu"
EPOCH = b"Fepoch"
EPOCH_BITS = 28  # of a MODSEQ, below those that are the epoch
MAX_ATTRIBUTE_OCTETS = 400


def account_prefix(account_id: int) -> bytes:
    return b"A" + account_id.to_bytes(8)


def numbered(prefix: bytes, kind: bytes, mailbox_id: int, number: int) -> bytes:
    """r and s."""
    return prefix + kind + (mailbox_id << 32 | number).to_bytes(8)
