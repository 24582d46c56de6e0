"""Passwords and names as strings that compare equal when people mean the same.

Standing rules: OpaqueString (RFC 8265 §4.2) is what we hash and compare; SASLprep (RFC 4013) is what a SCRAM
client computes its proof from, so it is what SCRAM keys are made from. Both are the identity on printable ASCII.
"""

import stringprep
import unicodedata

MAX_PASSWORD_OCTETS = 1024
MAX_LOGIN_OCTETS = 512


def opaque_string(password: bytes | str) -> str | None:
    """RFC 8265 §4.2 OpaqueString: other spaces to U+0020, NFC, no controls; None where the profile refuses it."""
    if isinstance(password, str):
        text = password
    else:
        try:
            text = password[: MAX_PASSWORD_OCTETS + 1].decode()
        except UnicodeDecodeError:
            return None
    if not 0 < len(text) <= MAX_PASSWORD_OCTETS:
        return None
    if text.isascii():
        return text if text.isprintable() else None
    text = "".join(" " if unicodedata.category(char) == "Zs" else char for char in text)
    text = unicodedata.normalize("NFC", text)
    if any(_outside_freeform(char) for char in text):
        return None
    return text if len(text.encode()) <= MAX_PASSWORD_OCTETS else None


def _outside_freeform(char: str) -> bool:
    """Outside the FreeformClass (RFC 8264 §4.3.3): controls, unassigned, surrogates, separators, ignorable."""
    category = unicodedata.category(char)
    if category == "Cf":
        return char not in "\u200c\u200d"  # joiners are CONTEXTJ, and real passwords hold them
    return category in ("Cc", "Cn", "Cs", "Co", "Zl", "Zp")


def saslprep(text: str) -> str | None:
    """RFC 4013 SASLprep as a query (unassigned code points pass); None where it refuses the string."""
    if text.isascii():
        return text if text.isprintable() else None
    mapped = "".join(
        " " if stringprep.in_table_c12(char) else char for char in text if not stringprep.in_table_b1(char)
    )
    prepared = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    if any(_prohibited(char) for char in prepared) or not _right_direction(prepared):
        return None
    return prepared


def _prohibited(char: str) -> bool:
    """RFC 4013 §2.3."""
    return (
        stringprep.in_table_c12(char)
        or stringprep.in_table_c21_c22(char)
        or stringprep.in_table_c3(char)
        or stringprep.in_table_c4(char)
        or stringprep.in_table_c5(char)
        or stringprep.in_table_c6(char)
        or stringprep.in_table_c7(char)
        or stringprep.in_table_c8(char)
        or stringprep.in_table_c9(char)
    )


def _right_direction(text: str) -> bool:
    """RFC 3454 §6: with any right-to-left character there is no left-to-right one, and both ends are right-to-left."""
    if not text or not any(stringprep.in_table_d1(char) for char in text):
        return True
    if any(stringprep.in_table_d2(char) for char in text):
        return False
    return stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])


def scram_password(prepared: str) -> bytes:
    """The octets that SCRAM's Hi() starts from, given an OpaqueString.

    Where SASLprep refuses what OpaqueString takes, clients use the string as it is, and so do we.
    """
    return (saslprep(prepared) or prepared).encode()
