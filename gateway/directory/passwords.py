"""
Passwords: hashed with argon2id, and never kept or shown otherwise.

A hash stands with its scheme in front, as Dovecot reads it from a table or a passwd-file.  One lane, because libsodium,
by which Dovecot verifies, knows no more.  A login costs 19 MiB and 30 ms of a processor, as OWASP's cheat sheet has it.

The passwords of the mailboxes in gateway.toml are lines ADDRESS:{SCHEME}HASH of secrets/passwords.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from argon2 import PasswordHasher, Type

SCHEMES = (
    "ARGON2ID",
    "ARGON2I",
    "BLF-CRYPT",
    "SHA512-CRYPT",
    "SHA256-CRYPT",
)  # taken ready-made; all are slow to guess
MIN_CHARACTERS, MAX_OCTETS = 8, 255
MODE = 0o600  # of secrets/passwords: Dovecot's worker, which reads it, is root

_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, type=Type.ID)
_CRYPTS = {
    "$argon2id$": "ARGON2ID",
    "$argon2i$": "ARGON2I",
    "$2": "BLF-CRYPT",
    "$6$": "SHA512-CRYPT",
    "$5$": "SHA256-CRYPT",
}
_HASH = re.compile(r"\$[!-9;-~]{20,230}", re.ASCII)  # no colon: it ends a field of a passwd-file


def check_plain(password: str) -> None:
    """
    Check a password somebody has chosen.

    Raises:
        ValueError: It is too short, too long, or has control characters; the password itself is not told.
    """
    if len(password) < MIN_CHARACTERS:
        raise ValueError(f"a password of {len(password)} characters; expected at least {MIN_CHARACTERS}")
    if len(password.encode()) > MAX_OCTETS or not password.isprintable():
        raise ValueError(f"expected a password of printable characters, at most {MAX_OCTETS} octets")


def hashed(password: str) -> str:
    """
    Hash a password.

    Raises:
        ValueError: See check_plain.
    """
    check_plain(password)
    return "{ARGON2ID}" + _HASHER.hash(password)


def is_hash(text: str) -> bool:
    """Return whether a text is meant as a hash: {SCHEME}…, or as crypt(3) writes them."""
    return bool(re.match(r"\{[A-Za-z0-9.-]+\}", text)) or _crypt(text) is not None


def ready(text: str) -> str:
    """
    Check a hash made elsewhere, and put its scheme in front.

    Raises:
        ValueError: A scheme that Dovecot does not know or that is quick to guess, or no hash; the text is not told.
    """
    match = re.match(r"\{([A-Za-z0-9.-]+)\}", text)
    scheme = match[1].upper() if match else _crypt(text)
    rest = text[match.end() :] if match else text
    if scheme not in SCHEMES or _crypt(rest) != scheme or not _HASH.fullmatch(rest):
        raise ValueError(f"expected a hash of one of {', '.join(SCHEMES)}, such as {{ARGON2ID}}$argon2id$…")
    return f"{{{scheme}}}{rest}"


def with_password(path: Path) -> set[str]:
    """Return the addresses that a passwd-file has; none where there is no file."""
    try:
        return {line.partition(":")[0] for line in path.read_text("utf-8").splitlines()}
    except FileNotFoundError:
        return set()


def write_password(path: Path, address: str, hash_: str) -> None:
    """
    Put a mailbox's hash into a passwd-file, in place of the one it had; atomically.

    The file keeps its owner, and what that may do with it; nobody else may do anything.

    Raises:
        OSError: It could not be written; the file is as it was.
    """
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    kept = [line for line in lines if line.partition(":")[0] != address]
    made = path.with_name(f".{path.name}.new")
    made.unlink(missing_ok=True)
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in sorted([*kept, f"{address}:{hash_}"])))
        if path.exists():
            was = path.stat()
            os.fchown(descriptor, was.st_uid, was.st_gid)
            os.fchmod(descriptor, was.st_mode & 0o700)
        file.flush()
        os.fsync(descriptor)
    made.replace(path)


def _crypt(text: str) -> str | None:
    return next((scheme for start, scheme in _CRYPTS.items() if text.startswith(start)), None)
