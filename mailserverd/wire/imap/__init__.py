"""IMAP (RFC 9051, RFC 3501) between bytes and values.

Standing rules: nothing but BadSyntax escapes a parser; no reading per octet; what is parsed is frozen. One file a
command under command/, each with the dataclass of the command and its parser.
"""
