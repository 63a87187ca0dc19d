"""Generations on the rendered volume, and what a crash leaves of them."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from gateway.render import generations as module
from gateway.render.generations import KEPT, Generations

TREE = {"bind/named.conf": "one\n", "filter/filter.toml": "ä = 1\n"}


@pytest.fixture
def generations(tmp_path):
    """Return the generations of an empty volume."""
    return Generations(tmp_path)


def named(number):
    """Return a tree that says its number."""
    return {"bind/named.conf": f"{number}\n"}


def test_current_of_an_empty_volume_is_none(generations):
    """Nothing was rendered yet."""
    assert generations.current() is None
    assert generations.read_current() == {}


def test_write_does_not_change_what_is_current(generations, tmp_path):
    """A generation is there, and nobody takes it yet."""
    assert generations.write(TREE) == "000001"
    assert generations.current() is None
    assert generations.read("000001") == TREE
    assert (tmp_path / "generations/000001/filter/filter.toml").read_bytes() == "ä = 1\n".encode()


def test_flip_makes_a_generation_current(generations, tmp_path):
    """The link is relative, so that it means the same wherever the volume is mounted."""
    generations.flip(generations.write(TREE))
    assert generations.current() == "000001"
    assert generations.read_current() == TREE
    assert (tmp_path / "current").readlink() == Path("generations/000001")


def test_write_of_the_current_tree_is_no_new_generation(generations):
    """Rendering twice changes nothing."""
    generations.flip(generations.write(TREE))
    assert generations.write(TREE) == "000001"


def test_write_of_another_tree_counts_up(generations):
    """Ids are never used again, also when the newer one was not flipped."""
    generations.flip(generations.write(TREE))
    assert generations.write(named(2)) == "000002"
    assert generations.write(named(2)) == "000003"
    generations.flip("000003")
    generations.flip("000001")
    assert generations.write(named(4)) == "000004"


@pytest.mark.parametrize("unknown", ["000002", "", "..", "1", "000001/bind", "current"])
def test_flip_to_an_unknown_generation_changes_nothing(generations, unknown):
    """Only an id that exists; no path."""
    generations.flip(generations.write(TREE))
    with pytest.raises(LookupError, match=f"no generation {unknown}; there are 000001"):
        generations.flip(unknown)
    assert generations.current() == "000001"


def test_read_of_an_empty_volume_says_that_there_are_none(generations):
    """The message helps whoever typed the id."""
    with pytest.raises(LookupError, match="no generation 000001; there are none"):
        generations.read("000001")


def test_half_written_generation_of_a_crash_is_removed_by_the_next_write(generations, tmp_path):
    """It was never renamed into place, so nobody has seen it."""
    generations.flip(generations.write(TREE))
    half = tmp_path / "generations/.new/bind"
    half.mkdir(parents=True)
    (half / "leftover").write_text("x")
    assert generations.read_current() == TREE
    assert generations.write(named(2)) == "000002"
    assert generations.read("000002") == named(2)
    assert not (tmp_path / "generations/.new").exists()


def test_failed_write_leaves_nothing(generations, tmp_path, monkeypatch):
    """A full disk is an error, and the volume is as it was."""
    generations.flip(generations.write(TREE))

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        generations.write(named(2))
    assert [path.name for path in (tmp_path / "generations").iterdir()] == ["000001"]
    assert generations.current() == "000001"


def test_failed_rename_leaves_nothing(generations, tmp_path, monkeypatch):
    """The last step may fail too."""

    def failing(_self, _target):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(module.Path, "rename", failing)
    with pytest.raises(OSError, match="Input/output"):
        generations.write(TREE)
    assert list((tmp_path / "generations").iterdir()) == []


def test_files_are_synced_before_the_rename(generations, monkeypatch):
    """After a power failure a generation that has its name has its content."""
    events = []
    fsync, rename = module.os.fsync, module.Path.rename
    monkeypatch.setattr(module.os, "fsync", lambda descriptor: (events.append("sync"), fsync(descriptor)))
    monkeypatch.setattr(module.Path, "rename", lambda *names: (events.append("rename"), rename(*names))[1])
    generations.write(TREE)
    files, directories = len(TREE), 3
    assert events == ["sync"] * (files + directories) + ["rename", "sync"]


def test_link_left_by_a_crash_does_not_stop_the_next_flip(generations, tmp_path):
    """A crash between making the new link and renaming it."""
    generations.flip(generations.write(TREE))
    (tmp_path / ".current").symlink_to("generations/000099")
    generations.flip(generations.write(named(2)))
    assert generations.current() == "000002"
    assert not (tmp_path / ".current").is_symlink()


def test_current_that_is_gone_counts_as_none(generations, tmp_path):
    """Somebody removed the directory by hand: rendering again mends it."""
    (tmp_path / "generations").mkdir()
    (tmp_path / "current").symlink_to("generations/000007")
    assert generations.read_current() == {}
    generations.flip(generations.write(TREE))
    assert generations.read_current() == TREE


def test_prune_keeps_the_newest_the_current_and_the_running(generations, tmp_path):
    """Whatever a service has pinned must stay readable."""
    for number in range(1, KEPT + 6):
        generations.write(named(number))
    generations.flip("000002")
    (tmp_path / "generations/.old").mkdir()  # of an earlier prune that was killed
    generations.prune(keep={"000004"})
    left = sorted(path.name for path in (tmp_path / "generations").iterdir())
    assert left == ["000002", "000004", *(f"{number:06d}" for number in range(6, KEPT + 6))]


def test_prune_of_few_generations_drops_none(generations, tmp_path):
    """The newest are kept, so that a rollback has where to go."""
    for number in range(1, KEPT + 1):
        generations.write(named(number))
    generations.prune(keep=set())
    assert len(list((tmp_path / "generations").iterdir())) == KEPT


def test_writers_at_once_each_get_a_whole_generation(generations):
    """Two `make apply` at a time: each tree is written once, none is mixed."""
    written = {}

    def write(number):
        written[number] = generations.write(named(number))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(written.values())) == 8
    assert all(generations.read(generation) == named(number) for number, generation in written.items())
