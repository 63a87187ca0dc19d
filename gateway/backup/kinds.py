"""
What is in a volume, as far as a backup cares: what is taken, how a file is known again, where it goes back to.

A volume is copied while mail flows, and a file that is renamed from a directory not yet read to one that was read
already would be missed.  So the copier (pack.py) reads the tree again until it finds nothing that is older than its
beginning, and must then know a file again by something that a rename leaves alone:

    mail        folder and base name: delivery writes to tmp/ and renames to new/, a client's look renames to cur/ and
                its flags are the part from the colon on.  Content never changes.  A copy to another folder is another
                message, though Dovecot makes it a hard link: so no inode is asked.
    quarantine  the path: a message is a directory that is renamed once, when it is whole, from a name with a dot.
    queue       the queue id, which qmgr(8) carries from incoming/ to active/ and deferred/.  A file that cleanup(8) has
                not finished lacks the x bit.  Within a file only marks of recipients that are done change: an older
                state sends to them again.
    directory   the path.  Its files are SQLite's, changed in place: each is read under a lock of SQLite's own.
    settings    the path.
    rendered    the path, of the certificate that signs itself: who trusts it trusts it for good.

Not taken is what is made anew: Dovecot's indexes, the quarantine's, locks, and what lies in tmp/ half written.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Hashable
from dataclasses import dataclass

type Parts = tuple[str, ...]  # of a path below the root; the root itself is ()

MESSAGES = ("incoming", "active", "deferred", "hold")  # directories of a queue that hold messages
REPORTS = ("bounce", "defer", "trace", "corrupt")  # what Postfix notes beside them, by queue id
HOLD = "hold"  # what is in here waits for postsuper -H


def _everything(_parts: Parts, _status: os.stat_result) -> bool:
    return True


def _path(parts: Parts) -> Hashable:
    return parts


def _as_it_was(parts: Parts) -> Parts:
    return parts


@dataclass(frozen=True)
class Kind:
    """One kind of volume."""

    name: str
    wants: Callable[[Parts, os.stat_result], bool] = _everything  # asked about everything but the root
    key: Callable[[Parts], Hashable] = _path  # what a rename leaves alone
    place: Callable[[Parts], Parts] = _as_it_was  # where a file goes back to
    locked: bool = False  # its files are SQLite's, and only readers may be about while one is copied
    shared: bool = False  # others' files may be there too: only one with other content is in the way


def _is_mail(parts: Parts, status: os.stat_result) -> bool:
    """Tell whether to take it; DOMAIN/LOCAL/tmp/ is a Maildir's, DOMAIN/tmp/ belongs to somebody of that name."""
    name = parts[-1]
    if stat.S_ISDIR(status.st_mode):
        return True
    if parts[-2:-1] == ("tmp",) and len(parts) > 3:
        return False
    return not name.startswith(("dovecot.index", "dovecot.list.index")) and not name.endswith(".lock")


def _message_of_folder(parts: Parts) -> Hashable:
    if parts[-2:-1] in (("new",), ("cur",)):
        return (*parts[:-2], parts[-1].partition(":")[0], "message")
    return parts


def _is_held(parts: Parts, _status: os.stat_result) -> bool:
    return not parts[-1].startswith((".", "index.sqlite"))


def _is_database(parts: Parts, _status: os.stat_result) -> bool:
    return not parts[-1].endswith(("-journal", "-wal", "-shm"))


def _is_self_signed(parts: Parts, _status: os.stat_result) -> bool:
    return parts[0] == "self-signed"


def _is_queued(parts: Parts, status: os.stat_result) -> bool:
    if parts[0] == "incoming" and stat.S_ISREG(status.st_mode) and not status.st_mode & stat.S_IXUSR:
        return False
    return parts[0] in (*MESSAGES, *REPORTS)


def _is_message(parts: Parts) -> bool:
    """Tell a message from the directories around it, whose names are one character of a hash."""
    return parts[0] in MESSAGES and len(parts) > 1 and len(parts[-1]) > 1


def _queue_id(parts: Parts) -> Hashable:
    return ("message", parts[-1]) if parts and _is_message(parts) else parts


def _held_back(parts: Parts) -> Parts:
    return (HOLD, parts[-1]) if parts and _is_message(parts) else parts


KINDS = {
    kind.name: kind
    for kind in (
        Kind("mail", _is_mail, _message_of_folder),
        Kind("quarantine", _is_held),
        Kind("queue", _is_queued, _queue_id),
        Kind("queue-on-hold", _is_queued, _queue_id, _held_back),
        Kind("directory", _is_database, locked=True),
        Kind("settings", shared=True),
        Kind("rendered", _is_self_signed),
        Kind("volume"),  # of a service that does not run
    )
}
