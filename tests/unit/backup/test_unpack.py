"""An archive back into a directory."""

import io
import os
import tarfile

import pytest

from gateway.backup.kinds import KINDS
from gateway.backup.pack import Damaged
from gateway.backup.unpack import in_the_way, unpack
from tests.unit.backup.trees import packed, plant, seen

MAIL = {"x.test/a/cur/1:2,S": b"one\n", "x.test/a/new/2": b"two\n" * 100_000, "x.test/a/dovecot-uidlist": b"3 V1\n"}


def restore(archive, root, kind="volume", **options):
    """Unpack, quietly."""
    return unpack(archive, root, KINDS[kind], lambda count: None, **options)


def made(*entries):
    """Give an archive of entries with a name, a type and what it links to."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, type_, target in entries:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = type_, target
            entry.uid, entry.gid = os.getuid(), os.getgid()
            entry.mode = 0o700
            tar.addfile(entry)
    return io.BytesIO(out.getvalue())


@pytest.fixture
def source(tmp_path):
    """Give a directory with mail, odd modes and times, and a link."""
    root = tmp_path / "source"
    plant(root, MAIL)
    (root / "x.test/a/.dovecot.sieve").symlink_to("sieve/mine.sieve")
    (root / "x.test/a/new/2").chmod(0o640)
    os.utime(root / "x.test/a/new/2", (1_000_000_000, 1_000_000_000))
    (root / "x.test").chmod(0o2750)
    os.utime(root / "x.test", (1_100_000_000, 1_100_000_000))
    return root


@pytest.fixture
def target(tmp_path):
    """Give an empty directory."""
    root = tmp_path / "target"
    root.mkdir()
    return root


def test_directory_comes_back_as_it_was(source, target):
    """Content, modes, owners, times, links."""
    source.chmod(0o711)
    done = restore(packed(source, "mail"), target, "mail")
    assert seen(target) == seen(source)
    assert target.stat().st_mode == source.stat().st_mode
    assert (done.files, done.octets) == (3, sum(map(len, MAIL.values())))


def test_settings_leave_the_directory_itself_and_others_files_alone(source, target):
    """It is the operator's."""
    plant(target, {"README": b"mine"})
    target.chmod(0o755)
    source.chmod(0o700)
    restore(packed(source, "settings"), target, "settings", replace=True)
    assert target.stat().st_mode & 0o777 == 0o755
    assert (target / "README").read_bytes() == b"mine"
    assert seen(source).items() <= seen(target).items()


def test_replace_removes_what_was_there(source, target):
    """A volume is as it was in the backup, and not a mixture."""
    plant(target, {"x.test/a/new/9": b"later", "file": b"", "y.test/b/new/1": b""})
    (target / "link").symlink_to("/etc")
    restore(packed(source, "mail"), target, "mail", replace=True)
    assert seen(target) == seen(source)


def test_queue_comes_back_on_hold(tmp_path, target):
    """Each message in hold/, the reasons where they were."""
    queue = tmp_path / "queue"
    plant(
        queue,
        {"incoming/4aa": b"a", "active/4bb": b"b", "deferred/4/4cc": b"c", "hold/4dd": b"d", "defer/4/4cc": b"why"},
    )
    (queue / "incoming/4aa").chmod(0o700)
    restore(packed(queue, "queue"), target, "queue-on-hold")
    files = {name: entry[3] for name, entry in seen(target).items() if entry[0][0] == "-"}
    assert files == {"hold/4aa": b"a", "hold/4bb": b"b", "hold/4cc": b"c", "hold/4dd": b"d", "defer/4/4cc": b"why"}


@pytest.mark.parametrize("name", ["../file", "/etc/file", "a/../../file", "a//b", "./a"])
def test_name_that_leads_out_is_refused(target, name):
    """Whoever made that archive."""
    with pytest.raises(Damaged, match="leads out of the directory"):
        restore(made((name, tarfile.REGTYPE, "")), target)
    assert list(target.iterdir()) == []


def test_nothing_is_written_through_a_link_of_the_archive(tmp_path, target):
    """Links are made last, so the second entry makes a directory of its own, which the link then is in the way of."""
    outside = tmp_path / "outside"
    outside.mkdir()
    archive = made(("a", tarfile.SYMTYPE, str(outside)), ("a/file", tarfile.REGTYPE, ""))
    with pytest.raises(OSError, match="Is a directory"):
        restore(archive, target)
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("type_", [tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_entry_that_pack_never_makes_is_refused(target, type_):
    """Hard links and devices."""
    with pytest.raises(Damaged, match="neither file, directory nor link"):
        restore(made(("a", type_, "b")), target)


@pytest.mark.parametrize("octets", [0, 100, 700, 5000])
def test_archive_that_was_cut_is_refused(source, target, octets):
    """Wherever it was cut."""
    with pytest.raises(Damaged, match="cut"):
        restore(io.BytesIO(packed(source, "mail").getvalue()[:octets]), target)


def test_any_file_is_in_the_way_of_a_volume(source, target):
    """Directories alone, as the first start of a service makes them, are not."""
    archive = packed(source, "mail")
    (target / "x.test/a/new").mkdir(parents=True)
    assert list(in_the_way(target, KINDS["mail"], archive)) == []
    plant(target, {"x.test/z/new/7": b""})
    assert list(in_the_way(target, KINDS["mail"], archive)) == [("x.test", "z", "new", "7")]


def test_same_settings_are_not_in_the_way(source, target):
    """Such as those that came with a clone of the operator's own repository."""
    plant(target, {"x.test/a/new/2": MAIL["x.test/a/new/2"], "README": b"mine"})
    assert list(in_the_way(target, KINDS["settings"], packed(source, "settings"))) == []


@pytest.mark.parametrize("content", [b"other", b"two\n" * 99_999 + b"too\n"])
def test_other_settings_are_in_the_way(source, target, content):
    """Of whatever length."""
    plant(target, {"x.test/a/new/2": content})
    assert list(in_the_way(target, KINDS["settings"], packed(source, "settings"))) == [("x.test", "a", "new", "2")]
