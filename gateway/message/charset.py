"""
Text in a charset that a stranger named.

Only the charsets of text that Python has are taken.  Its other codecs are none (punycode and idna take time that
grows with the square of the text), and its table of names it has looked for in vain grows with every new one.
"""

import encodings
import pkgutil
from encodings import aliases

_NO_CHARSETS = {
    *("base64_codec", "bz2_codec", "hex_codec", "quopri_codec", "rot_13", "uu_codec", "zlib_codec"),
    *("charmap", "idna", "mbcs", "oem", "punycode", "raw_unicode_escape", "undefined", "unicode_escape"),
}
_MODULES = {module.name for module in pkgutil.iter_modules(encodings.__path__)} - {"aliases"}
_CHARSETS = {name: name for name in _MODULES - _NO_CHARSETS} | {
    alias: name for alias, name in aliases.aliases.items() if name in _MODULES - _NO_CHARSETS
}
_ASCII = frozenset({"ascii", "utf_8", "utf_8_sig"})  # what is labelled so is often something else


def codec(charset: str) -> str | None:
    """Give Python's name of a charset, or None where it has none."""
    return _CHARSETS.get(encodings.normalize_encoding(charset[:40]).lower()) if charset.isascii() else None


def decode(octets: bytes, charset: str) -> str:
    """
    Decode; never fails.

    Octets that the charset does not know become U+FFFD, so that one of them does not hide the others.  What is
    labelled UTF-8, ASCII or something unknown, and is no UTF-8, is Latin-1.
    """
    name = codec(charset) if charset != "utf-8" else None
    if name is not None and name not in _ASCII:
        return octets.decode(name, "replace")
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError:
        return octets.decode("latin-1")
