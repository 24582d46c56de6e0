"""HTML to plain text, as simply as search and previews need it: no layout, no scripts, linear on any input."""

import re
from html import unescape

_unseen = re.compile(r"<(script|style|title|head)\b", re.IGNORECASE)
_breaks = re.compile(
    r"<(?:br|/?p|/?div|/?tr|/?td|/?th|/?li|/?ul|/?ol|/?h[1-6]|/?table|hr|/?blockquote|/?center)\b", re.I
)
_tags = re.compile(r"<[!/?a-zA-Z][^<>]*+>?")
_open_comment = "<!--"


def text_of_html(html: str) -> str:
    """The text that a reader would see, more or less; entities decoded."""
    html = _without_comments(html)
    html = _without_unseen(html)
    html = _breaks.sub(lambda found: " " + found[0], html)
    text = _tags.sub("", html)
    return unescape(text) if "&" in text else text


def _without_comments(html: str) -> str:
    if _open_comment not in html:
        return html
    out: list[str] = []
    position = 0
    while True:
        begin = html.find(_open_comment, position)
        if begin < 0:
            out.append(html[position:])
            return "".join(out)
        out.append(html[position:begin])
        end = html.find("-->", begin + 4)
        if end < 0:
            return "".join(out)
        position = end + 3


def _without_unseen(html: str) -> str:
    """Without script, style, title and head. What is never closed is left: it is text all the same."""
    out: list[str] = []
    position = 0
    hopeless: set[str] = set()
    lowered = html.lower() if html.isascii() else _ascii_lower(html)
    for found in _unseen.finditer(html):
        name = found[1].lower()
        if found.start() < position or name in hopeless:
            continue
        end = lowered.find("</" + name, found.end())
        if end < 0:
            hopeless.add(name)
            continue
        out.append(html[position : found.start()])
        position = end
    out.append(html[position:])
    return "".join(out)


_UPPER_TO_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def _ascii_lower(text: str) -> str:
    """Lower case that keeps every index: str.lower() of some letters is longer."""
    return text.translate(_UPPER_TO_LOWER)
