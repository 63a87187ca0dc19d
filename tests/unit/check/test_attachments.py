"""Files in messages.  One file, though long: each module of the filter has one, named after it."""

import base64
import binascii
import functools
import gzip
import io
import lzma
import tarfile
import zipfile
from pathlib import Path

import pytest

from gateway.check import attachments
from gateway.check.attachments import Attachments, Options
from gateway.check.base import LARGE, CheckFailed
from gateway.check.intext import MAX_FILES
from gateway.message.verdict import Finding

from .mails import PROGRAM, file, mail, old, one_part, parts, tarred, zipped
from .test_libarchive import written

GROUPS = {"executable": ["exe", "scr", "bat"], "macro": ["docm"], "image": ["iso"], "script": ["sh"]}
DOCX = zipped(("[Content_Types].xml", b"<x/>"), ("word/document.xml", b"<x/>" * 100))
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def named_gzip(name, octets):
    """Give a gz file that keeps the name of what is in it."""
    made = io.BytesIO()
    with gzip.GzipFile(name, "wb", fileobj=made) as archive:
        archive.write(octets)
    return made.getvalue()


async def found(content, **options):
    """Give reason -> detail."""
    report = await Attachments("attachments", Options(**{"groups": GROUPS, **options})).examine(mail(content))
    assert all(finding.check == "attachments" for finding in report.findings)
    return {finding.reason: finding.detail for finding in report.findings}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        one_part(b"hello\r\n"),
        one_part(b"begin with a word\r\nbegin 644\r\n"),
        file(b"hello", "a.txt", "text/plain"),
        file(b"\x89PNG\r\n\x1a\n" + b"x" * 100, "a.png", "image/png"),
        file(b"%PDF-1.7\n", "a.pdf", "application/pdf"),
        file(DOCX, "a.docx", WORD),
        file(zipped(("a.txt", b"x" * 1000), ("dir/b.pdf", b"y")), "a.zip", "application/zip"),
        parts(b"\r\nx", b"Content-Type: message/rfc822\r\n\r\nSubject: a\r\n\r\nb"),
    ],
    ids=["empty", "text", "begin", "txt", "png", "pdf", "docx", "zip", "message"],
)
async def test_examine_ordinary_files_are_clean(content):
    """Text, images, documents, archives of them."""
    assert await found(content) == {}


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ('Content-Disposition: attachment; filename="a.exe"\r\n', "a.exe"),
        ('Content-Disposition: attachment; filename="a.exe.txt"\r\n', "a.exe.txt"),
        ('Content-Disposition: attachment; filename="a.exe. . "\r\n', "a.exe. . "),
        ("Content-Disposition: attachment; filename*=utf-8''a%2Eexe\r\n", "a.exe"),
        ('Content-Disposition: attachment; filename*0="a.e"; filename*1="xe"\r\n', "a.exe"),
        ('Content-Disposition: attachment; filename="=?utf-8?b?YS5leGU=?="\r\n', "a.exe"),
        ("Content-Disposition: attachment; filename=a.txt; filename*=''b.exe\r\n", "b.exe"),
        ("Content-Disposition: attachment; filename=b.exe; filename*=''a.txt\r\n", "b.exe"),
        ('Content-Disposition: attachment; filename=b.exe; filename*0="a.txt"\r\n', "b.exe"),
        ("Content-Disposition: attachment; filename=a.txt; filename=b.exe\r\n", "b.exe"),
    ],
)
async def test_examine_name_is_found_however_it_is_written(more, name):
    """All readings of it count, for programs choose differently."""
    assert (await found(one_part(b"x", more=more)))["executable"] == name


async def test_examine_name_of_the_type_counts_too():
    """Beside another one of the disposition."""
    content = one_part(b"x", 'text/plain; name="b.exe"', more='Content-Disposition: inline; filename="a.txt"\r\n')
    assert await found(content) == {"executable": "b.exe"}


async def test_examine_disguised_name():
    """The sign that turns the direction of writing."""
    assert (await found(file(b"x", "photo\u202egpj.txt")))["disguised"].endswith(": turns the direction of writing")


async def test_examine_program_under_any_name():
    """And what calls itself an image."""
    assert await found(file(PROGRAM, "a.png", "image/png"), groups={}) == {
        "executable": "a.png: is pe",
        "mismatch": "a.png: is pe, declared as image/png",
    }
    assert await found(file(PROGRAM, "a.dat"), mismatch=False) == {"executable": "a.dat: is pe"}


async def test_examine_kind_counts_as_its_extension():
    """A script without a name of one."""
    assert await found(file(b"#!/bin/sh\n", "run")) == {"script": "run: is script"}


async def test_examine_winmail_is_not_opened():
    """Outlook makes one of ordinary mail; whoever does not want it has a group for it."""
    content = file(b"\x78\x9f\x3e\x22" + b"\0" * 20 + b"a.exe", "winmail.dat", "application/ms-tnef")
    assert await found(content) == {}
    assert await found(content, groups={"outlook": ["tnef"]}) == {"outlook": "winmail.dat: is tnef"}


async def test_examine_image_of_a_disk():
    """By a signature behind 32 KiB."""
    octets = b"\0" * 32_769 + b"CD001" + b"\0" * 30_000
    assert (await found(file(octets, "a.dat"), archives=False))["image"] == "a.dat: is iso"


@pytest.mark.parametrize(
    ("kind", "encoding"),
    [("message/rfc822", "base64"), ("multipart/mixed; boundary=b", "base64"), ("message/partial", "")],
)
async def test_examine_what_only_the_recipients_program_opens(kind, encoding):
    """A message that is encoded, and pieces of one."""
    content = one_part(base64.encodebytes(b"Content-Type: a/b; name=b.exe\r\n\r\nx"), kind, encoding)
    detail = f"{kind.partition(';')[0]} {encoding}, which only the recipient's program opens"
    assert await found(content) == {"incomplete": detail}


async def test_examine_article_of_news_is_a_message():
    """Its parts are looked at."""
    assert await found(one_part(b"Content-Type: a/b; name=b.exe\r\n\r\nx", "message/news")) == {"executable": "b.exe"}


async def test_examine_more_files_in_a_text_than_are_looked_at():
    """Lines that begin one may be false."""
    text = b"begin 644 a\r\n" * MAX_FILES
    assert await found(one_part(text)) == {}
    assert await found(one_part(text + b"begin 644 a.exe\r\n")) == {"incomplete": "more than 100 files in one text"}


async def test_examine_uuencoded_file_in_text():
    """By its name, and by what it is."""
    lines = binascii.b2a_uu(PROGRAM[:45]).rstrip() + b"\r\n" + binascii.b2a_uu(PROGRAM[45:90]).rstrip() + b"\r\n"
    text = b"hello\r\nbegin 644 some name.dat\r\n" + lines + b"end\r\nbegin 644 b.scr\r\n" + lines + b"end\r\n"
    assert await found(one_part(text), groups={}) == {"executable": "some name.dat: is pe"}
    assert await found(one_part(text.replace(b"some name.dat", b"a.bat"))) == {"executable": "a.bat"}
    encoded = one_part(base64.encodebytes(text).replace(b"\n", b"\r\n"), encoding="base64")
    assert await found(encoded, groups={}) == {"executable": "some name.dat: is pe"}


# -- zip files, by their directory


async def test_examine_names_in_a_zip():
    """With the way to them."""
    assert await found(file(zipped(("a.txt", b""), ("dir/b.EXE", b"")), "a.zip")) == {"executable": "a.zip > dir/b.EXE"}
    assert await found(file(zipped(("b.exe", b"")), "a.zip"), archives=False) == {}


async def test_examine_stored_program_in_a_zip():
    """Its octets stand there as they are."""
    octets = zipped(("a.txt", PROGRAM), method=zipfile.ZIP_STORED)
    assert await found(file(octets, "a.zip")) == {"executable": "a.zip > a.txt: is pe"}


async def test_examine_macros_in_a_document_that_says_it_has_none():
    """By the file that holds them."""
    octets = zipped(("[Content_Types].xml", b"x"), ("word/vbaProject.bin", b"x"))
    assert await found(file(octets, "a.docx", WORD)) == {"macro": "a.docx > word/vbaProject.bin"}


async def test_examine_encrypted_zip():
    """By the flag; its names are still there."""
    octets = bytearray(zipped(("a.exe", b"b")))
    octets[octets.index(b"PK\1\2") + 8] |= 1
    both = {"executable": "a.zip > a.exe", "encrypted": "a.zip > a.exe"}
    assert await found(file(bytes(octets), "a.zip")) == both
    assert await found(file(bytes(octets), "a.zip"), encrypted=False) == {"executable": "a.zip > a.exe"}


async def test_examine_zip_bomb_is_told_by_what_it_declares():
    """By ratio, by size, by entries; over all archives of a message."""
    octets = zipped(("a", b"\0" * 50_000_000))
    assert (await found(file(octets, "a.zip")))["bomb"].startswith("a.zip: 50000000 octets would come out of ")
    assert (await found(file(octets, "a.zip"), max_ratio=10_000, max_unpacked=49_999_999))["bomb"].startswith(
        "a.zip: 5"
    )
    assert await found(file(octets, "a.zip"), max_ratio=10_000) == {}
    two = zipped(("1", b""), ("2", b""))
    assert await found(file(two, "a.zip"), max_entries=1) == {"bomb": "a.zip: more than 1 entries"}
    assert await found(file(two, "a.zip"), max_entries=2) == {}


async def test_examine_overlapping_zip_is_a_bomb():
    """Two names for the same octets."""
    octets = bytearray(zipped(("a", b"x" * 50), ("b", b"y" * 50)))
    second = octets.index(b"PK\1\2", octets.index(b"PK\1\2") + 1)
    octets[second + 42 : second + 46] = bytes(4)
    assert (await found(file(bytes(octets), "a.zip")))["bomb"] == "a.zip: entries overlap"


async def test_examine_zip_that_shows_each_reader_other_names():
    """In front, and in the local header."""
    other = zipped(("a.txt", b"b")).replace(b"a.txt", b"a.exe", 1)
    assert await found(file(other, "a.zip")) == {
        "executable": "a.zip > a.exe",
        "disguised": "a.zip > a.txt: is a.exe for other programs",
    }
    two = zipped(("a.txt", b"")) + zipped(("b.txt", b""))
    assert await found(file(two, "a.zip")) == {"disguised": "a.zip: something stands before the archive"}
    hidden = zipped(("a.exe", b"")) + zipped()
    assert await found(file(hidden, "a.zip")) == {
        "executable": "a.zip > a.exe",
        "disguised": "a.zip: something stands before the archive",
    }
    assert await found(file(zipped(("in.zip", hidden)), "a.zip")) == {"executable": "a.zip > in.zip > a.exe"}


async def test_examine_directories_in_archives_have_no_extension():
    """Programs of JavaScript have such."""
    files = (("a.exe/", b""), ("a.exe/b.txt", b""))
    assert await found(file(zipped(*files), "a.zip")) == {}
    assert await found(file(zipped(("in.zip", zipped(*files))), "a.zip")) == {}


@pytest.mark.parametrize(
    "content",
    [
        file(b"\x60\xea\x28\0\x22\x0b\x01", "a.dat"),
        file(b"x", "a.ace"),
        file(zipped(("a.arj", b"x")), "a.zip"),
        file(tarred(("a.dat", b"ALZ\x01")), "a.tgz"),
    ],
)
async def test_examine_archives_that_nothing_looks_into(content):
    """By their octets or by their name, in archives too."""
    ((reason, detail),) = (await found(content)).items()
    assert (reason, detail[-19:]) == ("unreadable", " is not looked into")
    assert await found(content, archives=False) == {}


@pytest.mark.parametrize("name", ["../a", "/a", "C:\\a", "a/../../b"])
async def test_examine_names_that_lead_out(name):
    """In a zip and in a tar."""
    assert (await found(file(zipped((name, b"")), "a.zip")))["traversal"] == f"a.zip > {name}"
    assert (await found(file(tarred((name, b"")), "a.tgz")))["traversal"] == f"a.tgz > {name}"


async def test_examine_broken_zip():
    """Cut off."""
    assert await found(file(zipped(("a", b"x" * 50))[:-5], "a.zip")) == {"unreadable": "a.zip: ends too early"}


# -- what has to be unpacked


@pytest.mark.parametrize(
    ("octets", "detail"),
    [
        (tarred(("a.exe", b"x")), "a > a.exe"),
        (tarred(("a.dat", PROGRAM), mode="w:xz"), "a > a.dat: is pe"),
        (tarred(("a.dat", PROGRAM), mode="w:bz2"), "a > a.dat: is pe"),
        (written("7zip", ("a.exe", b"x")), "a > a.exe"),
        (gzip.compress(PROGRAM), "a > data: is pe"),
        (named_gzip("b.exe", b"x"), "a > b.exe"),
        (old(tarred(("a.exe", b"x"), mode="w")), "a > a.exe"),
        (tarred(("in.dat", old(tarred(("a.exe", b"x"), mode="w")))), "a > in.dat > a.exe"),
        (lzma.compress(tarred(("a.exe", b"x"), mode="w"), lzma.FORMAT_ALONE), "a > a.exe"),
        (written("cpio_newc", ("a.exe", b"x")), "a > a.exe"),
        (written("ar_bsd", ("a.exe", b"x")), "a > a.exe"),
        (written("xar", ("a.exe", b"x")), "a > a.exe"),
        (zipped(("in.zip", zipped(("a.exe", b"x")))), "a > in.zip > a.exe"),
        (tarred(("in.dat", zipped(("a.dat", PROGRAM)))), "a > in.dat > a.dat: is pe"),
    ],
    ids=[
        "tgz",
        "txz",
        "tbz",
        "7z",
        "gz",
        "named-gz",
        "old-tar",
        "old-tar-in-tar",
        "lzma",
        "cpio",
        "ar",
        "xar",
        "zip-in-zip",
        "zip-in-tar",
    ],
)
async def test_examine_archives_are_looked_into(octets, detail):
    """By a child."""
    assert await found(file(octets, "a")) == {"executable": detail}
    assert await found(file(octets, "a"), archives=False) == {}


async def test_examine_links_that_lead_out():
    """A symbolic link, then a file through it."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        entry = tarfile.TarInfo("a")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc"
        archive.addfile(entry)
    assert await found(file(made.getvalue(), "a.tgz")) == {"traversal": "a.tgz > a -> /etc"}


async def test_examine_name_that_looks_like_a_way():
    """It is one name, and absolute."""
    assert (await found(file(tarred(("/a > b", b"")), "a.tgz")))["traversal"] == "a.tgz > /a > b"


async def test_examine_zip_with_an_archive_within_is_counted_once():
    """By the child."""
    octets = zipped(("a.txt", b"x" * 600), ("in.zip", zipped(("b.txt", b"x" * 300))))
    assert await found(file(octets, "a.zip"), max_entries=3, max_unpacked=1_200) == {}
    assert "bomb" in await found(file(octets, "a.zip"), max_entries=2)


async def test_examine_bombs_in_what_is_unpacked():
    """Ratio, depth, entries."""
    zeros = gzip.compress(b"\0" * 50_000_000)
    assert (await found(file(zeros, "a.gz")))["bomb"] == "a.gz: more than 10485760 octets come out"
    nested = zipped(("1.zip", zipped(("2.zip", zipped(("3.zip", b"x"))))))
    assert "bomb" in await found(file(nested, "a.zip"), max_depth=1)
    assert "bomb" not in await found(file(nested, "a.zip"), max_depth=2)
    assert "bomb" in await found(file(tarred(("1", b""), ("2", b"")), "a.tgz"), max_entries=1)


async def test_examine_more_archives_than_are_looked_into(monkeypatch):
    """Each would be a process."""
    monkeypatch.setattr(attachments, "MAX_ARCHIVES", 2)
    part = file(tarred(("a.exe", b"")), "a.tgz").partition(b"\r\n")[2]
    assert await found(parts(part, part)) == {"executable": "a.tgz > a.exe"}
    assert await found(parts(part, part, part)) == {"executable": "a.tgz > a.exe", "bomb": "3 archives to unpack"}


async def test_examine_archive_that_takes_too_long(monkeypatch):
    """No time at all: the child is killed."""
    monkeypatch.setattr(attachments, "UNPACK_S", 0.0)
    assert await found(file(tarred(("a", b"")), "a.tgz")) == {"bomb": "a.tgz: looking into it took too long"}


async def test_examine_broken_archive():
    """Cut off."""
    assert (await found(file(tarred(("a", b"x" * 500))[:60], "a.tgz")))["unreadable"].startswith("a.tgz: ")


async def test_examine_encrypted_entry_within():
    """Of a zip in a tar."""
    octets = bytearray(zipped(("a.txt", b"b")))
    for signature, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        octets[octets.index(signature) + place] |= 1
    content = file(tarred(("in.zip", bytes(octets))), "a.tgz")
    assert await found(content) == {"encrypted": "a.tgz > in.zip > a.txt"}
    assert await found(content, encrypted=False) == {}


async def test_examine_large_message_in_a_thread():
    """The same findings."""
    text = b"\r\n" + b"x" * LARGE + b"\r\n"
    part = file(zipped(("b.exe", b"")), "a.zip").partition(b"\r\n")[2]
    assert await found(parts(text, part)) == {"executable": "a.zip > b.exe"}


async def test_examine_full_temporary_directory_is_a_failure(monkeypatch):
    """Of ours; on_error says what follows."""
    full = functools.partial(Path("/dev/full").open, "wb")
    monkeypatch.setattr(attachments.tempfile, "TemporaryFile", full)
    with pytest.raises(CheckFailed, match="no room to unpack: No space left on device"):
        await found(file(tarred(("a", b"")), "a.tgz"))


async def test_examine_each_reason_once_with_a_short_detail():
    """However many files there are, and whatever their names."""
    content = file(zipped(*((f"{number}{'x' * 300}.exe", b"") for number in range(100))), "a.zip")
    report = await Attachments("attachments", Options(groups=GROUPS)).examine(mail(content))
    assert report.findings == [Finding("attachments", "executable", "a.zip > 0" + "x" * 191)]


def test_zip_of_a_document_is_quick():
    """No child, no thread: it is read where it is."""
    survey = Attachments("attachments", Options(groups=GROUPS)).survey(mail(file(DOCX, "a.docx", WORD)))
    assert (survey.found, survey.archives, survey.entries) == ({}, [], 2)
