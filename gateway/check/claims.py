"""
What a file says it is, by its declared type and by its extension, and what it may be then.

Only what misleads somebody is a contradiction: a program, an archive or a document that calls itself an image, a
text, or another kind of document.  One kind of image for another is nothing; neither is application/octet-stream.
"""

from collections.abc import Sequence

from gateway.check import magic

_OFFICE = frozenset({"ole2", "zip", "rtf", ""})
_TEXT = frozenset({"", "script"})
# Type, or the part of it before the slash -> what such a file may be by its first octets.
_TYPES: dict[str, frozenset[str]] = {
    "text/rtf": frozenset({"rtf", ""}),
    "text/richtext": frozenset({"rtf", ""}),
    "text": _TEXT,
    "image": magic.IMAGE | {""},
    "audio": frozenset({""}),
    "video": frozenset({""}),
    "application/pdf": frozenset({"pdf", ""}),
    "application/rtf": frozenset({"rtf", ""}),
    "application/msword": _OFFICE,
    "application/json": _TEXT,
    "application/xml": _TEXT,
    "application/zip": frozenset({"zip"}),
    "application/x-zip-compressed": frozenset({"zip"}),
}
_OFFICE_TYPES = ("application/vnd.ms-", "application/vnd.openxmlformats-", "application/vnd.oasis.opendocument.")
_EXTENSIONS = {
    extension: claim
    for claim, extensions in {
        "text": "txt csv log htm html xml ics vcf md",
        "image": "jpg jpeg png gif bmp tif tiff webp",
        "audio": "mp3 wav ogg",
        "video": "mp4 avi mov mpg mpeg",
        "application/msword": "doc xls ppt dot docx xlsx pptx odt ods odp",
        "application/pdf": "pdf",
        "application/rtf": "rtf",
        "application/zip": "zip",
    }.items()
    for extension in extensions.split()
}


def contradicts(declared: str, extensions: Sequence[str], kind: str) -> str:
    """
    Say what a file claims to be and is not; nothing when it may be that.

    Args:
        declared: Type/subtype in lower case.
        extensions: Of its name, in lower case; the last one counts.
        kind: What magic.of() says.
    """
    allowed = _TYPES.get(declared) or _TYPES.get(declared.partition("/")[0])
    if allowed is None and declared.startswith(_OFFICE_TYPES):
        allowed = _OFFICE
    if allowed is not None and kind not in allowed:
        return declared
    if extensions and (claim := _EXTENSIONS.get(extensions[-1])) and kind not in _TYPES[claim]:
        return extensions[-1]
    return ""
