"""File names and what they hide."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.check.names import MAX_NAME, disguise, extensions, leads_out


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a.exe", ["exe"]),
        ("A.EXE", ["exe"]),
        ("a.exe.txt", ["exe", "txt"]),
        ("a.exe. . ", ["exe"]),
        ("a.exe\0", ["exe"]),
        ("a.txt          .exe", ["txt", "exe"]),
        ("a.exe:x.txt", ["exe", "x", "txt"]),
        ("a. exe", ["exe"]),
        (r"C:\dir.d\a.exe", ["exe"]),
        ("dir.d/a", []),
        ("a.exe/", ["exe"]),
        ("a.exe/.", ["exe"]),
        ("dir.d\\a.exe\\", ["exe"]),
        ("a.exe?", ["exe"]),
        ('a.exe" ', ["exe"]),
        ("a.exe>", ["exe"]),
        ("a.exe*|<", ["exe"]),
        ("a.exe\uff0f", ["exe"]),
        ("a\uff0e\uff45\uff58\uff45", ["exe"]),
        ("a.e\u200bxe", ["exe"]),
        ("photo\u202egpj.exe", ["exe"]),
        (".exe", ["exe"]),
        ("noext", []),
        ("", []),
    ],
)
def test_extensions_are_what_the_recipients_system_takes_for_them(name, found):
    """All of them, without what is dropped or not seen."""
    assert extensions(name) == found


@pytest.mark.parametrize(
    "name",
    [
        "photo\u202egpj.exe",
        "a\u2066b.txt",
        "a\0.txt",
        "a\x1b[2J.txt",
        "a.pdf" + " " * 40 + ".exe",
        "a.{00020810-0000-0000-C000-000000000046}",
    ],
)
def test_disguise_is_told(name):
    """Direction, control characters, blanks, class ids."""
    assert disguise(name)


@pytest.mark.parametrize(
    "name", ["a.txt", "a b.txt", "ä.txt", "folded\tname.doc", "שלום.pdf", "a  b.txt", " " * 20 + "a.txt", ""]
)
def test_disguise_plain_names_are_none(name):
    """Other scripts, a tab from folding."""
    assert not disguise(name)


@pytest.mark.parametrize("name", ["/etc/passwd", "../a", "a/../../b", r"..\a", r"a\..\b", "C:x", r"\\host\x", ".."])
def test_leads_out_is_told(name):
    """Absolute, upwards, by drive."""
    assert leads_out(name)


@pytest.mark.parametrize("name", ["a", "a/b", "a..b", "a/..b", "..."])
def test_leads_out_names_within_do_not(name):
    """Two dots are only dots within a name."""
    assert not leads_out(name)


@given(st.text(max_size=100), st.integers(0, 3))
def test_names_of_any_length_are_read_from_their_end(name, times):
    """Bounded, and never fails."""
    long = name * 10**times
    assert extensions(long) == extensions(long[-MAX_NAME:])
    assert isinstance(disguise(long), str)
    assert isinstance(leads_out(long), bool)
