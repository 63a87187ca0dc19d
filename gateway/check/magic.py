"""
What a file is by its first octets, as far as that matters at a gate: programs, archives, documents, images.

Not libmagic, which knows thousands of kinds, guesses, and is a large parser of hostile octets in C; here a kind is
named only when its signature is there.  Imports nothing that is slow to load: the unpacking child uses it too.

Source: the formats' own specifications; for those without one, the signature the usual readers ask for.
"""

HEAD = 512  # octets that of() wants to see; the signature of ISO 9660 comes later, see iso()
ISO_HEAD = 32_774  # octets that iso() wants to see

EXECUTABLE = frozenset({"pe", "elf", "macho", "lnk"})
STREAM = frozenset({"gz", "bz2", "xz", "lzma", "lz", "zst", "lz4", "z"})  # one compressed file, or a tar
ARCHIVE = STREAM | {"zip", "7z", "rar", "tar", "cab", "iso", "lha", "cpio", "ar", "xar", "rpm"}
SEALED = frozenset({"ace", "alz", "arj", "egg", "hqx", "sit", "wim", "zoo"})  # archives that nothing here can look into
SEALED_NAMES = SEALED - {"egg"} | {"sitx"}  # extensions of such; .egg is a zip of Python's as well
IMAGE = frozenset({"png", "jpeg", "gif", "bmp", "tiff", "webp", "ico", "psd"})
# The extension whose group a kind belongs to, whatever its name says.
EXTENSION = {"pe": "exe", "lnk": "lnk", "script": "sh", "chm": "chm", "iso": "iso", "tnef": "tnef"}

_SIGNATURES = (
    (b"\x7fELF", "elf"),
    (b"\xfe\xed\xfa\xce", "macho"),
    (b"\xfe\xed\xfa\xcf", "macho"),
    (b"\xce\xfa\xed\xfe", "macho"),
    (b"\xcf\xfa\xed\xfe", "macho"),
    (b"L\0\0\0\x01\x14\x02\0", "lnk"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"PK\x07\x08PK", "zip"),
    (b"PK00PK\x03\x04", "zip"),
    (b"\x1f\x8b\x08", "gz"),
    (b"\x1f\x9d", "z"),
    (b"\xfd7zXZ\0", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"MSCF\0\0\0\0", "cab"),
    (b"\x28\xb5\x2f\xfd", "zst"),
    (b"LZIP\x01", "lz"),
    (b"!<arch>\n", "ar"),
    (b"xar!\0\x1c", "xar"),
    (b"\xed\xab\xee\xdb", "rpm"),
    (b"ALZ\x01", "alz"),
    (b"EGGA", "egg"),
    (b"(This file must be converted with BinHex", "hqx"),
    (b"StuffIt (c)1997", "sit"),
    (b"MSWIM\0\0\0", "wim"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"%PDF-", "pdf"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole2"),
    (b"{\\rt", "rtf"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"8BPS\0\x01", "psd"),
    (b"\0\0\x01\0", "ico"),
    (b"ITSF\x03\0\0\0", "chm"),
    (b"\x78\x9f\x3e\x22", "tnef"),
)
_FIRST = b"MB#R\xca0]\x60\xc7\x71Z"  # octets with which signatures begin that _by_more() knows
_OCTAL, _HEX = b"01234567", b"0123456789ABCDEFabcdef"
_BY_FIRST: dict[int, list[tuple[bytes, str]]] = {}
for _signature, _kind in _SIGNATURES:
    _BY_FIRST.setdefault(_signature[0], []).append((_signature, _kind))


def of(head: bytes) -> str:
    """Give the kind of a file, or nothing; *head* is its first octets, HEAD of them when there are as many."""
    if not head:
        return ""
    for signature, kind in _BY_FIRST.get(head[0], ()):
        if head.startswith(signature):
            return kind
    if head[257:262] == b"ustar" or _is_old_tar(head):
        return "tar"
    if head[7:14] == b"**ACE**":
        return "ace"
    return _by_more(head) if head[0] in _FIRST or head[2:5] == b"-lh" else ""


def _is_old_tar(head: bytes) -> bool:
    """Tell whether a tar of before 1988 begins here, which has a checksum and no signature."""
    stated = head[148:156].strip(b" \0")
    if not stated or stated.strip(_OCTAL):
        return False
    return int(stated, 8) == sum(head[:148]) + 8 * 0x20 + sum(head[156:512])


def _by_more(head: bytes) -> str:
    """Look at short signatures, with which text could begin as well."""
    if kind := _archive_by_more(head):
        return kind
    if head.startswith(b"MZ") and b"\0" in head[2:64]:
        return "pe"
    if head.startswith(b"BZh") and head[4:10] in (b"1AY&SY", b"\x17rE8P\x90"):
        return "bz2"
    if head.startswith(b"BM") and head[6:10] == b"\0\0\0\0":
        return "bmp"
    if head.startswith(b"#!") and head[2:].lstrip(b" \t")[:1] == b"/":
        return "script"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "webp"
    # A universal Mach-O counts its few architectures where a Java class has its version, which began at 45.
    if head.startswith(b"\xca\xfe\xba\xbe\0\0\0") and head[7:8] and 0 < head[7] < 40:
        return "macho"
    return ""


def _archive_by_more(head: bytes) -> str:
    if head[2:5] == b"-lh" and head[6:7] == b"-":
        return "lha"
    if _is_cpio(head):
        return "cpio"
    # Properties and a dictionary of 64 KiB or more; then the size, -1 when it is not known.
    if head.startswith(b"]\0\0") and (head[5:13] == b"\xff" * 8 or head[10:13] == b"\0\0\0") and len(head) > 13:
        return "lzma"
    if head.startswith(b"\x60\xea") and 30 <= int.from_bytes(head[2:4], "little") <= 2_600 and head[4:5] >= b"\x1e":
        return "arj"
    return "zoo" if head.startswith(b"ZOO ") and head[20:24] == b"\xdc\xa7\xc4\xfd" else ""


def _is_cpio(head: bytes) -> bool:
    """Tell whether an entry of cpio begins here: of digits alone, or of binary numbers in either order of octets."""
    if head.startswith(b"070707"):
        return len(head) > 76 and not head[6:76].strip(_OCTAL)
    if head.startswith((b"070701", b"070702")):
        return len(head) > 110 and not head[6:110].strip(_HEX)
    if not head.startswith((b"\xc7\x71", b"\x71\xc7")):
        return False
    end = 26 + int.from_bytes(head[20:22], "little" if head[0] == 0xC7 else "big")  # of the name
    return 27 < end < HEAD and head.find(b"\0", 26) == end - 1


def iso(head: bytes) -> bool:
    """Tell whether *head*, the first ISO_HEAD octets of a file, begins an image of ISO 9660 or UDF."""
    return head[32_769:32_774] in (b"CD001", b"BEA01")
