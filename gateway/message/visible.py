"""
What a reader sees of HTML: text without tags, entities decoded, invisible characters left out.

`V<b></b>iagra`, `V&#105;agra` and a zero-width space in a word are the old ways past a pattern.  This is no parser of
HTML: tags go, those that begin a new block leave a blank, comments go, and whatever else stands there is kept, style
and script as well.  Linear in its input, whatever it is: an expression that may run to the end at each `<` is not.
"""

import html
import re

from gateway.message.mime import Part

# Quotes may hold `>`.  Possessive, so that a tag that is never closed is tried once.
_TAG = re.compile(r"""</?([A-Za-z][A-Za-z0-9:]*+|[!?])(?>[^<>"']++|"[^"]*+"|'[^']*+')*+>""")
_COMMENT_END = re.compile("--!?>")
_ANY_TAG = re.compile(r"<[^<>]*>")
_BLOCK_NAMES = (
    "address article blockquote body br center dd div dl dt fieldset footer form h1 h2 h3 h4 h5 h6 head header hr html "
    "li main nav ol option p pre section table tbody td tfoot th thead title tr ul"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_LONG_REFERENCE = re.compile(r"&#[xX]?[0-9A-Fa-f]{12,};?")  # int() refuses more than 4,300 digits
_REFERENCE = re.compile(r"&(?:#[0-9]{1,12}|#[xX][0-9A-Fa-f]{1,12}|[A-Za-z][A-Za-z0-9]{1,31});?")
# Soft hyphen, joiners, zero-width characters, marks and turns of direction.
_INVISIBLE = dict.fromkeys(
    [0xAD, 0x34F, 0x61C, 0x180E, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)]
)
_ANY_INVISIBLE = re.compile(f"[{''.join(map(chr, _INVISIBLE))}]")


def is_text(part: Part) -> bool:
    """Tell whether programs show a part as text: a multipart that has no parts is shown as it stands."""
    return part.type.startswith(("text/", "multipart/")) or is_html(part)


def is_html(part: Part) -> bool:
    """Tell whether a part is HTML."""
    return part.type in {"text/html", "application/xhtml+xml"}


def visible(markup: str) -> str:
    """Give the text of HTML on one line: tags and comments gone, entities decoded, blanks as one."""
    return " ".join(without_invisible(unescape(_without_tags(markup))).split())


def unescape(markup: str) -> str:
    """Decode entities; never fails."""
    if "&" not in markup:
        return markup
    return _REFERENCE.sub(_referred, _LONG_REFERENCE.sub("\N{REPLACEMENT CHARACTER}", markup))


def _referred(match: re.Match[str]) -> str:
    return html.unescape(match[0])


def without_invisible(text: str) -> str:
    """Leave out soft hyphens, zero-width characters and marks of direction."""
    return text.translate(_INVISIBLE) if _ANY_INVISIBLE.search(text) else text


def _without_tags(markup: str) -> str:
    kept: list[str] = []
    place = 0
    while (start := markup.find("<", place)) >= 0:
        kept.append(markup[place:start])
        if markup.startswith("<!--", start):
            end = _COMMENT_END.search(markup, start + 2)  # <!--> is one already
            place = end.end() if end else len(markup)
        elif tag := _TAG.match(markup, start):
            if tag[1].lower() in _BLOCKS:
                kept.append(" ")
            place = tag.end()
        elif markup[start + 1 : start + 2].isalpha() or markup[start + 1 : start + 2] in ("/", "!", "?"):
            place = start
            break  # a tag that never closes, as its quotes are read
        else:
            kept.append("<")
            place = start + 1
    return "".join(kept) + _ANY_TAG.sub("", markup[place:])
