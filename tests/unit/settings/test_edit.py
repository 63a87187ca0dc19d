"""Blocking and unblocking senders without touching anything else in the file."""

import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.settings.edit import block, replace_file, unblock

DEFAULT = (Path(__file__).parents[3] / "config/gateway.toml").read_text()

CASES = {
    "no table": ("schema = 1\n", 'schema = 1\n\n[senders]\nreject = ["spam.example"]\n'),
    "no key": ("[senders] # c\n\n[dns]\n", '[senders] # c\nreject = ["spam.example"]\n\n[dns]\n'),
    "empty": ("[senders]\nreject = []  # c\n", '[senders]\nreject = ["spam.example"]  # c\n'),
    "one line": ('[senders]\nreject = ["a.test"] # c\n', '[senders]\nreject = ["a.test", "spam.example"] # c\n'),
    "lines": (
        '[senders]\nreject = [\n  "a.test", # why\n  "b.test"  # last\n  # end\n]\n[dns]\n',
        '[senders]\nreject = [\n  "a.test", # why\n  "b.test",  # last\n  # end\n  "spam.example",\n]\n[dns]\n',
    ),
    "empty lines": ("[senders]\nreject = [\n]\n", '[senders]\nreject = [\n    "spam.example",\n]\n'),
    "dotted": ('senders.reject = ["a.test"]\n', 'senders.reject = ["a.test", "spam.example"]\n'),
    "inline": ('senders = {reject = ["a.test"]}\n', 'senders = {reject = ["a.test", "spam.example"]}\n'),
}


@pytest.mark.parametrize("case", CASES)
def test_block_adds_one_entry_and_keeps_the_layout(case):
    """Comments and line breaks stay; a list of several lines gets one more."""
    before, after = CASES[case]
    assert block(before, "Spam.example") == after


@pytest.mark.parametrize("case", CASES)
def test_block_of_a_listed_sender_changes_nothing(case):
    """Blocking twice is blocking once, whatever the letter case."""
    after = CASES[case][1]
    assert block(after, "SPAM.example") == after


@pytest.mark.parametrize("case", CASES)
def test_unblock_takes_the_entry_out_again(case):
    """The rest of the list is as before."""
    before, after = CASES[case]
    senders = tomllib.loads(unblock(after, "spam.example"))["senders"]
    assert senders["reject"] == tomllib.loads(before).get("senders", {}).get("reject", [])


def test_unblock_keeps_the_comments_of_the_others():
    """Only the entry's own comment goes with it."""
    text = 'reject = 1\n[senders]\nreject = [\n  "a.test", # why a\n  "B.test", # why b\n]\n'
    assert unblock(text, "b.test") == 'reject = 1\n[senders]\nreject = [\n  "a.test", # why a\n]\n'


@pytest.mark.parametrize("text", ["", "schema = 1\n", "[senders]\n", '[senders]\nreject = ["a.test"]\n', DEFAULT])
def test_unblock_of_an_unlisted_sender_changes_nothing(text):
    """There is nothing to take out."""
    assert unblock(text, "spam.example") == text


@pytest.mark.parametrize("edit", [block, unblock])
@pytest.mark.parametrize("sender", ["", "<>", "a b", 'x"', "x\ny.test", "*.test", "localhost"])
def test_edit_with_a_bad_sender_is_refused(edit, sender):
    """The null sender above all: it carries every DSN."""
    with pytest.raises(ValueError, match="expected"):
        edit(DEFAULT, sender)


SENDERS = st.from_regex(r"\A(\.|[a-z0-9+]{1,5}@)?[a-z0-9]{1,4}(\.[a-z][a-z0-9]{0,3}){1,2}\Z")


@settings(max_examples=30)
@given(st.lists(st.tuples(st.booleans(), SENDERS), max_size=8))
def test_any_edits_of_the_default_file_change_that_list_only(edits):
    """After any series of edits the list is what a set would be, and all else is as it was."""
    text = DEFAULT
    expected: list[str] = []
    for add, sender in edits:
        text = block(text, sender) if add else unblock(text, sender)
        if add and sender not in expected:
            expected.append(sender)
        if not add and sender in expected:
            expected.remove(sender)
    parsed = tomllib.loads(text)
    assert parsed["senders"].pop("reject") == expected
    before = tomllib.loads(DEFAULT)
    before["senders"].pop("reject")
    assert parsed == before
    for line in DEFAULT.splitlines():
        assert line in text.splitlines() or line.startswith("reject = ")


def test_replace_file_puts_the_text_in_place_and_keeps_the_mode(tmp_path):
    """Nothing else is left in the directory."""
    path = tmp_path / "gateway.toml"
    path.write_text("old")
    path.chmod(0o640)
    replace_file(path, "new ü\n")
    assert path.read_bytes() == "new ü\n".encode()
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_replace_file_through_a_link_keeps_the_link(tmp_path):
    """The file may live in a repository of its own."""
    (tmp_path / "real.toml").write_text("old")
    (tmp_path / "gateway.toml").symlink_to("real.toml")
    replace_file(tmp_path / "gateway.toml", "new")
    assert (tmp_path / "gateway.toml").is_symlink()
    assert (tmp_path / "real.toml").read_text() == "new"


def test_replace_file_that_fails_leaves_the_old_one(tmp_path, monkeypatch):
    """A full disk is found out before the rename."""

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    path = tmp_path / "gateway.toml"
    path.write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        replace_file(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
