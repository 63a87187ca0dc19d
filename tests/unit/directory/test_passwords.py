"""Passwords: hashed, taken ready-made, refused without being told, and kept in a passwd-file."""

import os

import pytest
from argon2 import PasswordHasher

from gateway.directory.passwords import hashed, is_hash, ready, write_password

BCRYPT = "$2y$05$abcdefghijklmnopqrstuuu5LaGRVX9y8jLZb8s3KDfBzgR1e0o1a"


def test_hash_is_argon2id_of_one_lane_and_verifies():
    """By any other program that knows argon2."""
    made = hashed("correct horse battery")
    assert made.startswith("{ARGON2ID}$argon2id$v=19$m=19456,t=2,p=1$")
    assert PasswordHasher().verify(made.removeprefix("{ARGON2ID}"), "correct horse battery")
    assert made != hashed("correct horse battery")


@pytest.mark.parametrize("password", ["", "short", "with\ttab in it", "ä" * 128])
def test_bad_password_is_refused_and_not_told(password):
    """The message goes to a terminal or a log."""
    with pytest.raises(ValueError, match="expected") as error:
        hashed(password)
    assert not password or password not in str(error.value)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("{BLF-CRYPT}" + BCRYPT, "{BLF-CRYPT}" + BCRYPT),
        (BCRYPT, "{BLF-CRYPT}" + BCRYPT),
        (
            "{argon2id}$argon2id$v=19$m=64,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
            "{ARGON2ID}$argon2id$v=19$m=64,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g",
        ),
        ("$6$salt$" + "h" * 86, "{SHA512-CRYPT}$6$salt$" + "h" * 86),
    ],
)
def test_hash_made_elsewhere_is_taken(given, kept):
    """With its scheme in front, as Dovecot reads it."""
    assert is_hash(given)
    assert ready(given) == kept


@pytest.mark.parametrize(
    "given",
    [
        "{PLAIN}secret-secret",
        "{MD5}" + "0" * 32,
        "{BLF-CRYPT}plain-text",
        "{ARGON2ID}" + BCRYPT,
        "$2y$short",
        f"{BCRYPT}:x",
    ],
)
def test_hash_that_is_none_or_quick_to_guess_is_refused(given):
    """Whoever reads the table would have the password."""
    assert is_hash(given)
    with pytest.raises(ValueError, match="expected a hash of one of ARGON2ID, ") as error:
        ready(given)
    assert given not in str(error.value)


def test_password_file_keeps_the_others_and_its_owner_and_is_for_him_alone(tmp_path):
    """One line per mailbox, in order, the old one gone; what others may have read of it before, they may no more."""
    path = tmp_path / "passwords"
    for address, hash_ in (("b@x.test", "{A}1"), ("a@x.test", "{A}2"), ("b@x.test", "{A}3")):
        write_password(path, address, hash_)
    assert path.read_text() == "a@x.test:{A}2\nb@x.test:{A}3\n"
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o444)
    os.chown(path, 11, 12)
    write_password(path, "c@x.test", "{A}4")
    assert (path.stat().st_mode & 0o777, path.stat().st_uid, path.stat().st_gid) == (0o400, 11, 12)
    assert [child.name for child in tmp_path.iterdir()] == ["passwords"]
