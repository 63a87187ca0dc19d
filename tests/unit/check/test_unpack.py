"""The child that unpacks, run as it is run."""

import gzip
import io
import lzma
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gateway

from .mails import PROGRAM, tarred, zipped
from .test_libarchive import written

LIMITS = {"depth": 3, "entries": 100, "ratio": 100, "unpacked": 200 << 20, "memory": 512 << 20, "cpu": 10}


def run(octets, **limits):
    """Give what the child did with a file."""
    with tempfile.TemporaryFile() as file:
        file.write(octets)
        file.flush()
        command = [sys.executable, "-ESs", "-m", "gateway.check.unpack"]
        command += [f"{name}={number}" for name, number in (LIMITS | limits).items()]
        where = Path(gateway.__file__).parents[1]
        return subprocess.run(command, stdin=file, capture_output=True, env={}, cwd=where, check=False)


def events(octets, **limits):
    """Give its events, without the last."""
    done = run(octets, **limits)
    assert done.returncode == 0, done.stderr
    told = [[field.decode("unicode_escape") for field in line.split(b"\t")] for line in done.stdout.splitlines()]
    assert told[-1][0] == "done"
    return told[:-1]


@pytest.mark.parametrize(
    "octets",
    [
        zipped(("a.dat", PROGRAM)),
        tarred(("a.dat", PROGRAM)),
        tarred(("a.dat", PROGRAM), mode="w:bz2"),
        tarred(("a.dat", PROGRAM), mode="w:xz"),
        tarred(("a.dat", PROGRAM), mode="w"),
        written("7zip", ("a.dat", PROGRAM)),
    ],
    ids=["zip", "tgz", "tbz", "txz", "tar", "7z"],
)
def test_events_names_and_kinds_are_told(octets):
    """Of each format."""
    assert events(octets) == [["name", "a.dat", "a.dat"], ["kind", "a.dat", "pe"]]


@pytest.mark.parametrize("octets", [gzip.compress(PROGRAM), lzma.compress(PROGRAM)], ids=["gz", "xz"])
def test_events_single_file_has_no_name_of_its_own(octets):
    """Libarchive calls it data."""
    assert events(octets) == [["kind", "data", "pe"]]


def test_events_archives_within_are_read():
    """Of other formats, and under any name."""
    inner = zipped(("a.exe", b"x"))
    told = events(tarred(("in.dat", gzip.compress(inner))))
    assert told == [["name", "in.dat", "in.dat"], ["name", "in.dat > a.exe", "a.exe"]]


def test_events_names_may_hold_anything():
    """Tabs and line ends cannot make another event."""
    name = "a\tb\nbomb\tc\\ä\u202e"
    assert events(tarred((name, b""))) == [["name", name, name]]


def deep(levels):
    """Give a zip in a zip in a zip."""
    octets = PROGRAM
    for level in range(levels):
        octets = zipped((f"{level}.zip" if level else "a.exe", octets))
    return octets


def test_events_depth_is_bounded():
    """Three within one pass, and not a fourth."""
    assert events(deep(4))[-1] == ["kind", "3.zip > 2.zip > 1.zip > a.exe", "pe"]
    assert events(deep(5))[-1] == ["bomb", "archives within archives, more than 3"]


def test_events_entries_are_bounded_over_all_levels():
    """Counted together."""
    octets = zipped(("a.zip", zipped(("1", b""), ("2", b""))), ("b", b""))
    assert events(octets, entries=4)[-1][0] == "name"
    assert events(octets, entries=3)[-1] == ["bomb", "more than 3 entries"]


@pytest.mark.parametrize(
    "octets",
    [
        gzip.compress(b"\0" * 50_000_000),
        lzma.compress(b"x" * 50_000_000),
        zipped(("a", b"\0" * 50_000_000)),
        zipped(("a.zip", zipped(("a", b"\0" * 50_000_000)))),
        tarred(("a", b"\0" * 50_000_000)),
    ],
    ids=["gz", "xz", "zip", "zip in zip", "tar"],
)
def test_events_ratio_is_bounded(octets):
    """More than a hundred for one, and more than ten megabytes."""
    assert events(octets)[-1][0] == "bomb"
    assert "bomb" not in [event[0] for event in events(octets, ratio=1_000_000)]


def test_events_unpacked_octets_are_bounded():
    """Whatever the ratio."""
    octets = os.urandom(1 << 20)
    assert events(gzip.compress(octets)) == []
    assert events(gzip.compress(octets), unpacked=1_000_000) == [["bomb", "more than 1000000 octets come out"]]


def test_events_encrypted_is_told():
    """Its flag is set by hand."""
    octets = bytearray(zipped(("a.txt", b"b")))
    for signature, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        octets[octets.index(signature) + place] |= 1
    assert ["encrypted", "a.txt"] in events(bytes(octets))


BROKEN = {
    "zip": zipped(("a", os.urandom(100)))[:60],
    "gz": gzip.compress(os.urandom(100))[:50],
    "text": b"no archive",
    "rar": b"Rar!\x1a\x07\0" + b"x" * 50,
}


@pytest.mark.parametrize("kind", BROKEN)
def test_events_broken_is_told(kind):
    """With what libarchive says."""
    assert events(BROKEN[kind])[-1][0] == "unreadable"


def test_run_stays_small_and_quick():
    """A gigabyte of zeros within limits that let it pass: 64 MiB are never touched."""
    made = io.BytesIO()
    with gzip.open(made, "wb") as archive:
        for _ in range(200):
            archive.write(b"\0" * 1_000_000)
    before = time.monotonic()
    assert events(made.getvalue(), ratio=1_000_000, unpacked=1 << 30) == []
    assert time.monotonic() - before < 30
    assert events(made.getvalue(), ratio=1_000_000, unpacked=1 << 30, memory=100 << 20) == []


def test_run_memory_is_bounded():
    """An archive within, larger than what is allowed."""
    octets = zipped(("a.zip", zipped(("a", os.urandom(40_000_000)))))
    assert events(octets, memory=64 << 20)[-1] == ["bomb", "more memory than 67108864 octets"]


def test_run_processor_time_is_bounded():
    """The kernel kills it; there is no last event."""
    made = lzma.compress(b"\0" * 2_000_000, format=lzma.FORMAT_XZ) * 1_000
    done = run(made, cpu=1, ratio=1 << 30, unpacked=1 << 40)
    assert done.returncode < 0
    assert not done.stdout.endswith(b"\n") or b"done" not in done.stdout


def test_confine_nothing_can_be_written_or_opened():
    """What a parser gone astray could do first."""
    code = """
import os, resource
from gateway.check.unpack import _confine
_confine({"memory": 512 << 20, "cpu": 5})
for what in (lambda: open("/etc/passwd"), lambda: os.dup(1), lambda: os.fork() and 0 or os.pipe()):
    try:
        what()
    except OSError as error:
        print(error.errno)
print(resource.getrlimit(resource.RLIMIT_FSIZE), resource.getrlimit(resource.RLIMIT_CORE))
"""
    code = code.replace("lambda: os.fork() and 0 or os.pipe()", "lambda: os.pipe()")
    where = Path(gateway.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-ESs", "-c", code], capture_output=True, env={}, cwd=where, check=True, text=True
    )
    assert done.stdout.split("\n") == ["24", "24", "24", "(0, 0) (0, 0)", ""]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 0


@settings(max_examples=30)
@given(st.data())
def test_events_damaged_archives_end_in_events(data):
    """Octets changed anywhere; a crash of the library would show as a missing end."""
    octets = bytearray(
        data.draw(st.sampled_from([zipped(("a", b"b" * 50)), tarred(("a", b"b")), written("7zip", ("a", b"b"))]))
    )
    for _ in range(data.draw(st.integers(1, 4))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    for event in events(bytes(octets)):
        assert event[0] in {"name", "kind", "encrypted", "link", "bomb", "unreadable"}
