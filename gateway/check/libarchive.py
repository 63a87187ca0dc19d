"""
The few calls of libarchive that reading needs, by ctypes.

Not the package libarchive-c, whose import is two thirds of what an unpacking child takes of the processor (it loads
subprocess, tempfile and logging, and looks for the library by running programs); and this way the child needs no
site-packages.  Names are libarchive's, without their prefix.

Source: archive_read(3), archive_entry(3); libarchive 3.7.
"""

import ctypes
from ctypes import c_char_p, c_int, c_int64, c_longlong, c_size_t, c_void_p, c_wchar_p

TYPE_CHECKING = False  # of typing, which takes as long to load as all else
if TYPE_CHECKING:
    from typing import Any

EOF, WARN = 1, -20
RAW = 0x90000  # format: octets that only filters were undone for
REGULAR = 0o100000
_FILTERS = ("gzip", "bzip2", "xz", "lzma", "lzip", "compress", "lz4", "zstd", "rpm")  # none that runs a program
UNNAMED = "data"  # name that libarchive gives to what only filters were undone for, and that has none
STREAMED_ZIP = ("zip_streamable",)  # read without its directory, from its first octet
FORMATS = ("zip", "7zip", "tar", "rar", "rar5", "cab", "iso9660", "cpio", "lha", "ar", "xar")
_library = ctypes.CDLL("libarchive.so.13")


class ArchiveError(Exception):
    """What libarchive says of an archive that it cannot read."""

    def __init__(self, archive: int | None) -> None:
        super().__init__((_error_string(archive) or b"").decode("utf-8", "replace"))
        self.no_memory = _errno(archive) == 12  # ENOMEM


def _declare(name: str, arguments: tuple[type, ...], result: type | None = c_int) -> "Any":  # noqa: ANN401 - as ctypes has it
    function = getattr(_library, f"archive_{name}")
    function.argtypes, function.restype = arguments, result
    return function


_error_string = _declare("error_string", (c_void_p,), c_char_p)
_errno = _declare("errno", (c_void_p,))
_read_new = _declare("read_new", (), c_void_p)
_open_memory = _declare("read_open_memory", (c_void_p, c_void_p, c_size_t))
_next_header = _declare("read_next_header2", (c_void_p, c_void_p))
_data_block = _declare("read_data_block", (c_void_p, c_void_p, c_void_p, c_void_p))
_pathname = _declare("entry_pathname", (c_void_p,), c_char_p)
_pathname_w = _declare("entry_pathname_w", (c_void_p,), c_wchar_p)
_symlink = _declare("entry_symlink", (c_void_p,), c_char_p)
_hardlink = _declare("entry_hardlink", (c_void_p,), c_char_p)
_size_is_set = _declare("entry_size_is_set", (c_void_p,))
_size = _declare("entry_size", (c_void_p,), c_int64)
_filetype = _declare("entry_filetype", (c_void_p,))
_is_encrypted = _declare("entry_is_encrypted", (c_void_p,))
_has_encrypted = _declare("read_has_encrypted_entries", (c_void_p,))
_format = _declare("format", (c_void_p,))
_filter_count = _declare("filter_count", (c_void_p,))
_entry_new = _declare("entry_new", (), c_void_p)
_entry_free = _declare("entry_free", (c_void_p,), None)
_read_free = _declare("read_free", (c_void_p,))


class Archive:
    """An archive in memory, read once from its beginning; and its entry under the reader's hand."""

    def __init__(self, formats: "tuple[str, ...]" = FORMATS) -> None:
        """
        Prepare.

        Args:
            formats: Those that are known; what is of none of them only gets its filters undone.
        """
        self._archive = _read_new()
        self._entry = _entry_new()
        if not self._archive or not self._entry:
            raise MemoryError
        for name in _FILTERS:
            _declare(f"read_support_filter_{name}", (c_void_p,))(self._archive)
        for name in formats:
            _declare(f"read_support_format_{name}", (c_void_p,))(self._archive)
        _declare("read_support_format_raw", (c_void_p,))(self._archive)

    def open(self, address: int, octets: int) -> None:
        """
        Begin to read.

        Args:
            address: Of the archive's first octet; must stay until close().
            octets: Its length.

        Raises:
            ArchiveError: it is none.
        """
        self._good(_open_memory(self._archive, address, octets))

    def close(self) -> None:
        """Free it."""
        _entry_free(self._entry)
        _read_free(self._archive)

    def _good(self, result: int) -> int:
        if result < WARN:
            raise ArchiveError(self._archive)
        return result

    def next(self) -> bool:
        """Go to the next entry; False when there is none.  Raises ArchiveError."""
        return self._good(_next_header(self._archive, self._entry)) != EOF

    def blocks(self) -> "BlockIterator":
        """Give the entry's octets as (place in it, octets).  Raises ArchiveError."""
        return BlockIterator(self._archive)

    @property
    def raw(self) -> bool:
        """True when only filters were undone."""
        return bool(_format(self._archive) == RAW)

    @property
    def filters(self) -> int:
        """How many filters were undone."""
        return int(_filter_count(self._archive)) - 1  # of which the last reads the memory

    @property
    def encrypted(self) -> bool:
        """True when some of it is known to be encrypted."""
        return bool(_has_encrypted(self._archive) > 0)

    # -- of the entry

    @property
    def name(self) -> str:
        """Its name; empty when it has none that can be written."""
        octets = _pathname(self._entry)
        if octets is not None:
            return str(octets.decode("utf-8", "replace"))
        try:
            return str(_pathname_w(self._entry) or "")
        except ValueError:  # what stands there are no characters
            return ""

    @property
    def target(self) -> str:
        """What it links to; empty for none."""
        octets = _symlink(self._entry) or _hardlink(self._entry) or b""
        return str(octets.decode("utf-8", "replace"))

    @property
    def size(self) -> int | None:
        """Octets it says it has; None when it does not say."""
        return max(int(_size(self._entry)), 0) if _size_is_set(self._entry) else None

    @property
    def regular(self) -> bool:
        """True for a file."""
        return bool(_filetype(self._entry) & 0o170000 == REGULAR) or self.raw

    @property
    def entry_encrypted(self) -> bool:
        """True when this entry is."""
        return bool(_is_encrypted(self._entry) > 0)


class BlockIterator:
    """The data of one entry, block by block, as libarchive has it in memory."""

    def __init__(self, archive: int) -> None:
        self._archive = archive

    def __iter__(self) -> "BlockIterator":
        return self

    def __next__(self) -> tuple[int, int, int]:
        """Give the place in the entry, the address and the length; good until the next call."""
        block, size, offset = c_void_p(), c_size_t(), c_longlong()
        result = _data_block(self._archive, ctypes.byref(block), ctypes.byref(size), ctypes.byref(offset))
        if result < WARN:
            raise ArchiveError(self._archive)
        if result == EOF:
            raise StopIteration
        return offset.value, block.value or 0, size.value
