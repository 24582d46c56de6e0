"""Messages as they are (RFC 5322, MIME) to what is kept of them: one scan, pure, that never raises on any octets.

scan.py       the one pass: header fields, part tree, ENVELOPE, BODYSTRUCTURE, preview, keys
record.py     scan + segments -> NewMessage and the blobs that it refers to
headers.py    header index, HEADER.FIELDS       parts.py      part map, section ranges
content.py    decoded and readable content      segments.py   what a message is kept as, and back again
"""
