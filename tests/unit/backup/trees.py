"""Directories to copy, and what is in them."""

from __future__ import annotations

import io
import stat

from gateway.backup.kinds import KINDS
from gateway.backup.pack import pack


def plant(root, files):
    """Make files, name -> content, with the directories they are in."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def seen(root):
    """Give everything below a directory: name -> (kind, mode, owner, time, content)."""
    found = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        content = str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        owner = (status.st_uid, status.st_gid)
        times = None if path.is_symlink() else int(status.st_mtime)
        found[str(path.relative_to(root))] = (stat.filemode(status.st_mode), owner, times, content)
    return found


def packed(root, kind):
    """Pack a directory, quietly; give the archive, ready to be read."""
    out = io.BytesIO()
    pack(root, KINDS[kind], out, lambda count: None)
    return io.BytesIO(out.getvalue())
