"""Bounds of the scan. Beyond a bound the rest is an opaque leaf, never an error, and every octet is still there."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MimeLimits:
    """depth          entities inside one another: a multipart or message deeper than this is a leaf
    parts          entities in one message: after the last one boundaries are not looked for any more
    header_octets  octets of one header block in which fields are told apart: the rest counts as one field
    part_header_octets  octets of the header blocks of all parts together that are read: later ones are taken as empty
    header_fields  fields of one header block that are told apart
    boundary_octets  length of a boundary parameter that is believed (RFC 2046 §5.1.1 allows 70)
    """

    depth: int = 64
    parts: int = 4_000
    header_octets: int = 262_144
    part_header_octets: int = 2_097_152
    header_fields: int = 2_000
    boundary_octets: int = 8_192


DEFAULT_LIMITS = MimeLimits()
