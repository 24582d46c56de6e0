"""Delivery status notifications (RFC 3461-3464), from values to the octets of a message.

Standing rules: no I/O; every line ends in CRLF and holds no octet that a client could have chosen without passing a
check; a notification never answers a notification (the null reverse-path, RFC 3464 §2).
"""
