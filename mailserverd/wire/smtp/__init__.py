"""SMTP (RFC 5321 and its extensions) between octets and values.

Standing rules: no I/O; a parser returns a value or raises BadCommand, which carries the exact reply; the octets of a
message are never looked at a line at a time; every chunking of the same octets gives the same result; nothing grows
without a bound that stands in this package.
"""
