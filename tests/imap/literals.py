"""Reading answers that hold literals."""

import re


def literal(answer: bytes) -> bytes:
    """The octets of the first one."""
    found = re.search(rb"\{(\d+)\}\r\n", answer)
    assert found is not None
    return answer[found.end() : found.end() + int(found[1])]
