"""Octets of a declared charset to text. Never raises: an unknown or wrong charset is guessed around.

Only codecs on a fixed list are used: a name in a message must not load, cache or run anything of its choosing. Long
texts are decoded in pieces, for a codec lets no other thread run, and a slow one takes seconds for a large message.
"""

import re
from codecs import BOM_UTF16_BE, BOM_UTF32_BE, getincrementaldecoder
from encodings.aliases import aliases
from functools import lru_cache

_NOT_TEXT = {"base64_codec", "bz2_codec", "hex_codec", "quopri_codec", "rot_13", "uu_codec", "zlib_codec"}
_NOT_SAFE = {"mbcs", "oem", "tactis", "idna", "punycode", "unicode_escape", "raw_unicode_escape"}
# The declared name promises less than senders use (RFC 2046 §4.1.2 allows treating a subset as its superset).
_SUPERSETS = {
    "ascii": "ascii",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "big5": "cp950",
    "shift_jis": "cp932",
    "iso2022_jp": "iso2022_jp_ext",
}
_EXTRA = {
    "unicode_1_1_utf_7": "utf_7",
    "unicode_1_1_utf_8": "utf_8",
    "utf8mb4": "utf_8",
    "iso_8859_8_i": "iso8859_8",
    "iso_8859_8_e": "iso8859_8",
    "iso_8859_6_i": "iso8859_6",
    "windows_874": "cp874",
    "windows_31j": "cp932",
    "windows_949": "cp949",
    "windows_936": "gb18030",
    "x_sjis": "cp932",
    "x_gbk": "gb18030",
    "x_euc_jp": "euc_jp",
    "x_windows_949": "cp949",
    "ks_c_5601_1987": "cp949",
    "x_big5": "cp950",
    "big5_hkscs": "big5hkscs",
    "x_mac_roman": "mac_roman",
    "koi8": "koi8_r",
    "koi8_ru": "koi8_u",
    "iso_8859": "latin_1",
    "iso8859": "latin_1",
    "x_user_defined": "latin_1",
    "unknown_8bit": "",
    "x_unknown": "",
    "8bit": "",
    "default": "",
}
_AT_ONCE = 65_536
_BYTE_ORDER = {"utf_16": BOM_UTF16_BE, "utf_32": BOM_UTF32_BE}
_LOCAL_MULTIBYTE = re.compile(rb"\x1b[$(]")


def _table() -> dict[str, str]:
    known: dict[str, str] = {}
    for alias, codec in aliases.items():
        if codec not in _NOT_TEXT and codec not in _NOT_SAFE:
            known[alias] = known[codec] = _SUPERSETS.get(codec, codec)
    for number in (720, 737, 856, 874, 875, 1006):
        known[f"cp{number}"] = f"cp{number}"
    for name in ("koi8_r", "koi8_t", "koi8_u", "mac_croatian", "mac_farsi", "mac_arabic", "mac_romanian"):
        known[name] = name
    known.update(_EXTRA)
    return known


_CODECS = _table()
_separators = re.compile(r"[^a-z0-9]+")


@lru_cache(maxsize=256)
def codec_of(charset: bytes) -> str | None:
    """The codec for a charset name as it stands in a message; None when it is not known."""
    name = _separators.sub("_", charset[:64].decode("latin-1").lower()).strip("_")
    codec = _CODECS.get(name)
    if codec is None and name.startswith("cp_"):
        codec = _CODECS.get("cp" + name[3:])
    if codec is None and name.startswith("x_"):
        codec = _CODECS.get(name[2:])
    return codec or None


def decode_charset(octets: bytes, charset: bytes | None) -> str:
    """The octets as text. What does not fit the charset is read as UTF-8, then as windows-1252, at last as Latin-1."""
    codec = codec_of(charset) if charset else None
    if codec is None or codec == "ascii":
        return decode_raw(octets)
    try:
        return _decoded(octets, codec, "strict")
    except (UnicodeError, ValueError):
        pass
    if codec == "utf_8" or not _looks_utf8(octets):
        try:
            return _decoded(octets, codec, "replace")
        except (UnicodeError, ValueError):
            return decode_raw(octets)
    return octets.decode("utf-8")


def decode_raw(octets: bytes) -> str:
    """Octets in no declared charset: UTF-8 if they are (RFC 6532), otherwise what an old mail client meant."""
    if octets.isascii():
        if _LOCAL_MULTIBYTE.search(octets):
            return _decoded(octets, "iso2022_jp_ext", "replace")
        return octets.decode("ascii")
    try:
        return octets.decode("utf-8")
    except UnicodeError:
        pass
    try:
        return octets.decode("cp1252")
    except UnicodeError:
        return octets.decode("latin-1")


def _decoded(octets: bytes, codec: str, errors: str) -> str:
    """octets.decode(codec, errors), other threads having their turn."""
    if len(octets) <= _AT_ONCE:
        return octets.decode(codec, errors)
    if codec in _BYTE_ORDER:  # without a mark their incremental decoders refuse what decode() takes
        codec += "_be" if octets.startswith(_BYTE_ORDER[codec]) else "_le"
    decode = getincrementaldecoder(codec)(errors).decode
    last = len(octets) - _AT_ONCE
    pieces = [decode(octets[at : at + _AT_ONCE], at >= last) for at in range(0, len(octets), _AT_ONCE)]
    return "".join(pieces).removeprefix("\ufeff") if codec.startswith(("utf_16_", "utf_32_")) else "".join(pieces)


def _looks_utf8(octets: bytes) -> bool:
    if octets.isascii():
        return False
    try:
        octets.decode("utf-8")
    except UnicodeError:
        return False
    return True
