"""What a parser raises. Standing rule: nothing else escapes from wire/imap, whatever the octets."""


class BadSyntax(ValueError):
    """Not a command that we understand; the text is for the client. Answered BAD."""

    refused = False
    code = b""


class BadCharset(BadSyntax):
    """RFC 9051 §6.4.4: a charset that SEARCH does not know is NO [BADCHARSET]."""

    refused = True
    code = b"BADCHARSET (US-ASCII UTF-8 ISO-8859-1)"


class BadName(BadSyntax):
    """The syntax is right but no mailbox can have that name: NO [CANNOT] (RFC 5530 §3)."""

    refused = True
    code = b"CANNOT"
