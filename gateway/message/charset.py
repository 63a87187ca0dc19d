"""
Charsets that strangers name, decoded by a table of our own.

Python's own look-up tries to import a module for each unknown name, from disk, and remembers the name for ever; and
among what it finds are codecs that are no charset of mail and take quadratic time (punycode, idna) or warn
(unicode_escape).  So only names of this table reach it.

Source: the IANA registry as far as encodings.aliases has it, and names that mail programs use beside it.
"""

import re
from encodings.aliases import aliases

MAX_NAME = 40  # characters; no charset has a longer name
_NO_CHARSETS = {"base64_codec", "bz2_codec", "hex_codec", "mbcs", "quopri_codec", "rot_13", "uu_codec", "zlib_codec"}
_MORE = ("cp720", "cp737", "cp856", "cp874", "cp1006", "iso8859_1", "koi8_t", "koi8_u", "utf_8_sig")  # without alias
_KNOWN = (
    {alias: codec for alias, codec in aliases.items() if codec not in _NO_CHARSETS}
    | {codec: codec for codec in (*aliases.values(), *_MORE) if codec not in _NO_CHARSETS}
    | {"windows_874": "cp874", "iso_8859_8_i": "iso8859_8", "iso_8859_8_e": "iso8859_8", "utf8mb4": "utf_8"}
    # What is sent under these names is mostly of the larger sets.
    | {"gb2312": "gb18030", "gbk": "gb18030", "iso_8859_1": "cp1252", "latin1": "cp1252"}
)
# In which an octet of ASCII may be something else: whoever does not know the name reads ASCII all the same.  Not
# iso2022_jp, which every program knows.
_UNLIKE_ASCII = frozenset(
    [
        "cp037",
        "cp1026",
        "cp1140",
        "cp273",
        "cp424",
        "cp500",
        "cp864",
        "hz",
        "iso2022_jp_1",
        "iso2022_jp_2",
        "iso2022_jp_2004",
        "iso2022_jp_3",
        "iso2022_jp_ext",
        "iso2022_kr",
        "shift_jis_2004",
        "shift_jisx0213",
        "utf_16",
        "utf_16_be",
        "utf_16_le",
        "utf_32",
        "utf_32_be",
        "utf_32_le",
        "utf_7",
    ]
)
_ALWAYS_STRICT = frozenset({"ascii", "utf_8"})  # what does not fit is likelier Latin-1 than damaged
_BETWEEN = re.compile("[^a-z0-9]+")


def codec(name: str) -> str | None:
    """Give Python's name of a charset, or None for one that is not known."""
    return _KNOWN.get(_BETWEEN.sub("_", name[:MAX_NAME].lower().strip()))


def decode(octets: bytes, charset: str) -> str:
    """
    Decode by a charset a stranger named; never fails.

    What does not fit its charset, and what names none that is known, is read as UTF-8, and else as Latin-1, which
    gives each octet some character: the words between are readable then, which is what checks want.
    """
    return _strict(octets, codec(charset))


def _strict(octets: bytes, known: str | None) -> str:
    try:
        return octets.decode(known or "utf_8")
    except ValueError:  # of which UnicodeError is one
        pass
    try:
        return octets.decode("utf_8")
    except UnicodeDecodeError:
        return octets.decode("latin_1")


def readings(octets: bytes, charset: str, errors: str = "strict") -> list[str]:
    """
    Give all that programs may read: what the charset says; and ASCII, where the charset is none that keeps to it.

    Programs know fewer charsets than we do: `cp037` is EBCDIC for one and nothing for the next, which shows ASCII.

    Args:
        octets: Some text.
        charset: As a stranger named it.
        errors: Of codecs; `strict` reads all of a text that does not fit its charset otherwise, see decode().
    """
    known = codec(charset)
    if known is None or errors == "strict" or known in _ALWAYS_STRICT:
        first = _strict(octets, known)
    else:
        first = octets.decode(known, errors)
    return [first] if known not in _UNLIKE_ASCII else list(dict.fromkeys([first, _strict(octets, None)]))
