"""Octets to text."""

import os

import pytest

from gateway.settings.mistakes import SettingsError
from gateway.settings.text import MAX_OCTETS, Lines, read


def test_read_takes_crlf_as_lf(tmp_path):
    """The rest of the code knows one line end."""
    (tmp_path / "f").write_bytes(b"a\r\n\tb\xc3\xbc\n")
    assert read(tmp_path / "f", "f") == "a\n\tbü\n"


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"a\nb\0", "f:2:2: control character U+0000; expected plain text"),
        (b"\x1b[2J", "f:1:1: control character U+001B; expected plain text"),
        ("ü\x85".encode(), "f:1:2: control character U+0085; expected plain text"),
        (b"a\rb", "f:1:2: control character U+000D; expected plain text"),
        (b"\n\n\xc3", "f:3:1: octet 0xc3; expected UTF-8"),
        (b"\xff\xfea\0", "f:1:1: octet 0xff; expected UTF-8"),
        (b"\xef\xbb\xbfa", "f:1:1: begins with a byte order mark; expected UTF-8 without one"),
        (b"#" * (MAX_OCTETS + 1), "f:1:1: cannot be read: longer than 1048576 octets; expected a text file"),
    ],
)
def test_read_refuses_with_position(tmp_path, octets, expected):
    """Each octet that has no business in a configuration is found where it stands."""
    (tmp_path / "f").write_bytes(octets)
    with pytest.raises(SettingsError) as caught:
        read(tmp_path / "f", "f")
    assert str(caught.value) == expected


def test_read_of_what_is_no_file_says_so_at_once(tmp_path):
    """A FIFO would otherwise be waited for."""
    os.mkfifo(tmp_path / "fifo")
    for name, reason in (("fifo", "not a regular file"), (".", "not a regular file"), ("x", "no such file")):
        with pytest.raises(SettingsError) as caught:
            read(tmp_path / name, "f")
        assert str(caught.value) == f"f:1:1: cannot be read: {reason}; expected a text file"


def test_place_counts_lines_and_characters_from_one():
    """As editors and compilers do."""
    lines = Lines("ab\n\nc")
    assert [lines.place(offset) for offset in range(6)] == [(1, 1), (1, 2), (1, 3), (2, 1), (3, 1), (3, 2)]
