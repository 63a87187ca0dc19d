"""What a reader of HTML sees."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message.mime import read_mime
from gateway.message.visible import is_html, is_text, unescape, visible, without_invisible


@pytest.mark.parametrize(
    ("markup", "seen"),
    [
        ("V<b></b>iagra", "Viagra"),
        ("V<!-- > -->iagra", "Viagra"),
        ("V&#105;agra &amp; V&#x69;agra", "Viagra & Viagra"),
        ("V\u200bi\u00adagra", "Viagra"),
        ('V<b title=">">i</b>agra', "Viagra"),
        ("<p>one</p><p>two<br>three</p>", "one two three"),
        ("one\r\n\t two", "one two"),
        ("1 < 2 and <3", "1 < 2 and <3"),
        ('V<b title="never closed>iagra', "Viagra"),
        ("V<b>ia<!--gra", "Via"),
        ("<!-->V<b></b>iagra -->", "Viagra -->"),
        ("<!--->V<b></b>iagra -->", "Viagra -->"),
        ("V<!-- --!>iagra", "Viagra"),
        ("V<!-- -- > --!-->iagra", "Viagra"),
        ("&#" + "9" * 5000 + ";", "\N{REPLACEMENT CHARACTER}"),
        ("&nosuch; &#0;", "&nosuch; \N{REPLACEMENT CHARACTER}"),
        ("", ""),
    ],
)
def test_visible_tags_and_entities_hide_nothing(markup, seen):
    """The tricks that split a word."""
    assert visible(markup) == seen


@given(st.text(alphabet="<>!-/\"' =ab&#;x1\n", max_size=300))
def test_visible_anything_gives_one_line(markup):
    """Never fails, whatever is left open."""
    assert visible(markup).splitlines() in ([], [visible(markup)])
    assert isinstance(unescape(markup), str)


@pytest.mark.parametrize("piece", ["<", '<a "', "<!-->", "<!--", "&#", "<b>", "<a='", "</"])
def test_visible_takes_linear_time(piece):
    """A million characters that open something are read in a moment; squared they would take hours."""
    assert isinstance(visible(piece * (1_000_000 // len(piece))), str)


def test_without_invisible_plain_text_is_the_same_object():
    """So that whoever asks knows that there was nothing."""
    text = "a" * 1_000
    assert without_invisible(text) is text
    assert without_invisible("a\u200bb") == "ab"


@pytest.mark.parametrize(
    ("kind", "shown_as_text", "as_html"),
    [
        ("text/plain", True, False),
        ("text/html", True, True),
        ("application/xhtml+xml", True, True),
        ("multipart/mixed", True, False),
        ("application/pdf", False, False),
    ],
)
def test_is_text_is_what_programs_show(kind, shown_as_text, as_html):
    """A multipart without a boundary is shown as text."""
    part = read_mime(f"Content-Type: {kind}\r\n\r\nx".encode()).parts[0]
    assert (is_text(part), is_html(part)) == (shown_as_text, as_html)
