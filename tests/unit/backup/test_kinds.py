"""What of each kind of volume is taken, known again, and put back where."""

import os

import pytest

from gateway.backup.kinds import KINDS

FILE = os.stat_result((0o100600, 0, 0, 0, 0, 0, 0, 0, 0, 0))
READY = os.stat_result((0o100700, 0, 0, 0, 0, 0, 0, 0, 0, 0))
DIRECTORY = os.stat_result((0o040700, 0, 0, 0, 0, 0, 0, 0, 0, 0))


def parts(path):
    """Split a path."""
    return tuple(path.split("/"))


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("mail", "small.test/carl/new/1.M2P3.host"),
        ("mail", "small.test/carl/cur/1.M2P3.host:2,S"),
        ("mail", "small.test/carl/.Lists/cur/1.M2P3.host:2,S"),
        ("mail", "small.test/carl/dovecot-uidlist"),
        ("mail", "small.test/carl/sieve/mine.sieve"),
        ("mail", "small.test/tmp/dovecot-uidlist"),
        ("quarantine", "6b084e56fcf6bf00/content"),
        ("queue", "deferred/A/4abcAB1z"),
        ("queue", "bounce/A/4abcAB1z"),
        ("settings", "secrets/.hidden"),
        ("directory", "people.sqlite"),
        ("rendered", "self-signed/mx.example.test.pem"),
        ("volume", "ib_logfile0"),
    ],
)
def test_data_is_taken(kind, path):
    """What could not be made anew."""
    assert KINDS[kind].wants(parts(path), FILE)


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("mail", "small.test/carl/tmp/1.M2P3.host"),
        ("mail", "small.test/tmp/tmp/1.M2P3.host"),
        ("mail", "small.test/carl/.Lists/tmp/1.M2P3.host"),
        ("mail", "small.test/carl/dovecot.index.cache"),
        ("mail", "small.test/carl/dovecot.list.index.log"),
        ("mail", "small.test/carl/dovecot-uidlist.lock"),
        ("quarantine", "index.sqlite"),
        ("quarantine", "index.sqlite-wal"),
        ("quarantine", ".6b084e56fcf6bf00"),
        ("quarantine", "6b084e56fcf6bf00/.released.json"),
        ("directory", "people.sqlite-journal"),
        ("rendered", "generations/000001/bind/named.conf"),
        ("queue", "pid/master.pid"),
        ("queue", "incoming/4abcAB1z"),
    ],
)
def test_unfinished_and_derived_is_left(kind, path):
    """Half written, or made again from the rest."""
    assert not KINDS[kind].wants(parts(path), FILE)


def test_finished_message_of_incoming_is_taken():
    """cleanup(8) gives it the x bit when it is whole."""
    assert KINDS["queue"].wants(parts("incoming/4abcAB1z"), READY)
    assert KINDS["queue"].wants(parts("incoming"), DIRECTORY)


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("mail", "small.test/carl/new/1.M2P3.host", "small.test/carl/cur/1.M2P3.host:2,"),
        ("mail", "small.test/carl/cur/1.M2P3.host:2,", "small.test/carl/cur/1.M2P3.host:2,RS"),
        ("queue", "incoming/4abcAB1z", "active/4abcAB1z"),
        ("queue", "active/4abcAB1z", "deferred/4/4abcAB1z"),
    ],
)
def test_file_that_was_renamed_is_known_again(kind, before, after):
    """It is one message, and in the archive once."""
    assert KINDS[kind].key(parts(before)) == KINDS[kind].key(parts(after))


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("mail", "small.test/carl/cur/1.M2P3.host:2,", "small.test/carl/.Lists/cur/1.M2P3.host:2,"),
        ("mail", "small.test/carl/cur/1.M2P3.host:2,", "small.test/dora/cur/1.M2P3.host:2,"),
        ("mail", "small.test/carl/cur", "small.test/carl/new"),
        ("mail", "small.test/carl/sieve/a:1", "small.test/carl/sieve/a:2"),
        ("queue", "deferred/4/4abcAB1z", "bounce/4/4abcAB1z"),
        ("queue", "deferred/4", "active/4"),
        ("quarantine", "6b084e56fcf6bf00/content", "6b084e56fcf6bf01/content"),
    ],
)
def test_two_files_are_two(kind, one, other):
    """A message of another folder, or what Postfix notes beside a message, is not the message."""
    assert KINDS[kind].key(parts(one)) != KINDS[kind].key(parts(other))


@pytest.mark.parametrize("directory", ["incoming", "active", "deferred/4", "hold"])
def test_message_is_put_on_hold(directory):
    """From wherever it was; hold has no directories of a hash."""
    assert KINDS["queue-on-hold"].place(parts(f"{directory}/4abcAB1z")) == ("hold", "4abcAB1z")


@pytest.mark.parametrize("path", ["deferred", "deferred/4", "bounce/4/4abcAB1z", "defer/4"])
def test_rest_of_a_queue_stays_where_it_was(path):
    """Directories, and the reasons of deferrals and bounces to come."""
    assert KINDS["queue-on-hold"].place(parts(path)) == parts(path)


def test_queue_comes_back_as_it_was():
    """Where that is asked for."""
    assert KINDS["queue"].place(parts("deferred/4/4abcAB1z")) == parts("deferred/4/4abcAB1z")
