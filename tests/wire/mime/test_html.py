import pytest

from mailserverd.wire.mime.html import text_of_html


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("plain", "plain"),
        ("<p>a</p><p>b</p>", "a b"),
        ("a<br>b<br/>c", "a b c"),
        ("in<b>vis</b>ible", "invisible"),
        ("<style>x { }</style>a<SCRIPT type='y'>if (1 < 2)</script >b", "ab"),
        ("<html><head><title>t</title></head><body>a", "a"),
        ("a<!-- <b>no</b> -->b", "ab"),
        ("a<!-- never ends", "a"),
        ("<style>never ends", "never ends"),
        ("&lt;a&amp;b&gt; &eacute;&#233;&nosuch;", "<a&b> éé&nosuch;"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("<a href='x'", ""),
        ("İ<style>x</style>y", "İy"),
        ("<td>a</td><td>b</td>", "a b"),
    ],
)
def test_text(html: str, text: str) -> None:
    assert " ".join(text_of_html(html).split()) == text
