"""What is signed, by which key, and that another reading of the message verifies it."""

import base64
import subprocess

import dkim
import nacl.signing
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.edit.dkim import NOT_SIGNED, Signer, load_key, sign
from gateway.message.failure import Deferral
from gateway.message.header import read_header

from .made import edited, mail

MESSAGE = b"""\
Received: from x by y; Thu, 26 Nov 2026 15:00:00 +0000
From: Anna <anna@example.test>
To: bob@x.test
Subject:  a   folded
\tsubject
Date: Thu, 26 Nov 2026 15:00:00 +0000
Message-ID: <1@example.test>

Hello \t there\x20\x20
.
\x20\x20

"""


def openssl(path, *arguments):
    """Make a private key."""
    subprocess.run(["openssl", "genpkey", *arguments, "-out", path], check=True, capture_output=True)
    path.chmod(0o400)
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Give a key of each kind."""
    folder = tmp_path_factory.mktemp("secrets")
    made = {
        "rsa": openssl(folder / "rsa.pem", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
        "ed25519": openssl(folder / "ed25519.pem", "-algorithm", "ED25519"),
    }
    old = subprocess.run(["openssl", "rsa", "-in", made["rsa"], "-traditional"], check=True, capture_output=True).stdout
    made["pkcs1"] = folder / "pkcs1.pem"
    made["pkcs1"].write_bytes(old.replace(b"\n", b"\r\n"))
    made["pkcs1"].chmod(0o400)
    return made


def record(path):
    """Give what DNS has for a private key, as docs/dkim.md makes it."""
    der = subprocess.run(
        ["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"], check=True, capture_output=True
    ).stdout
    if len(der) < 60:
        return b"v=DKIM1; k=ed25519; p=" + base64.b64encode(der[-32:])
    return b"v=DKIM1; k=rsa; p=" + base64.b64encode(der)


def verified(content, path):
    """Ask dkimpy about the whole message."""

    def look_up(name, timeout=5):
        assert name == b"s1._domainkey.example.test."
        return record(path)

    return dkim.verify(content, dnsfunc=look_up)


def signed(content, path):
    """Give a message with its signature."""
    message = mail(content)
    return edited(message, [sign(load_key("example.test", "s1", path), message, [message.content])])


@pytest.mark.parametrize("kind", ["rsa", "pkcs1", "ed25519"])
def test_sign_is_verified(files, kind):
    """By dkimpy's own parser, and not with another subject, body or a second From."""
    content = signed(MESSAGE, files[kind])
    assert verified(content, files[kind])
    assert content.endswith(mail(MESSAGE).content)
    assert verified(content.replace(b"a   folded\r\n\tsubject", b"a folded subject"), files[kind])
    for old, new in ((b"folded", b"bold"), (b"Hello", b"Hell"), (b"From:", b"From: eve@x.test\r\nFrom:")):
        assert not verified(content.replace(old, new, 1), files[kind])


@pytest.mark.parametrize("field", [b"From: e@x.test", b"Subject: x", b"Date: x", b"To: e@x.test"])
@pytest.mark.parametrize("above", [True, False])
def test_sign_lets_nobody_add_a_field(files, field, above):
    """Each is signed once more than it is there."""
    content = signed(MESSAGE, files["ed25519"])
    at = 0 if above else content.index(b"\r\n\r\n") + 2
    assert not verified(content[:at] + field + b"\r\n" + content[at:], files["ed25519"])


def test_sign_leaves_room_for_what_others_add(files):
    """Trace fields and a list's own come later."""
    content = signed(MESSAGE, files["ed25519"])
    assert verified(
        b"Received: by z\r\nList-Id: <x>\r\nSender: l@x.test\r\nCc: c@x.test\r\n" + content, files["ed25519"]
    )


def test_sign_says_what_it_covers(files):
    """The fields that are there, those nobody may add once more, and no trace fields."""
    field = read_header(signed(MESSAGE, files["ed25519"])).fields[0]
    tags = dict(tag.strip().split(b"=", 1) for tag in field.value.split(b";"))
    assert tags[b"a"] == b"ed25519-sha256"
    assert tags[b"c"] == b"relaxed/relaxed"
    assert (tags[b"d"], tags[b"s"]) == (b"example.test", b"s1")
    names = b"date date from from message-id subject subject to to".split()
    assert [name.strip() for name in tags[b"h"].split(b":")] == names
    assert all(len(line) <= 78 for line in field.raw.split(b"\r\n"))


@given(
    st.lists(st.sampled_from([b"X: y", b"Subject: s", b"From: <a@example.test>", b"To:", b"Cc: a,\r\n b"]), max_size=6),
    st.lists(st.sampled_from([b"", b" ", b"\t", b"a", b"a  b ", b".", b"--"]), max_size=8),
    st.integers(1, 40),
)
def test_sign_any_slices_are_the_whole(fields, lines, size):
    """Wherever the slices are cut, and with a body or without, dkimpy finds the message signed."""
    key = nacl.signing.SigningKey.generate()
    content = b"".join(line + b"\r\n" for line in [b"From: <a@example.test>", *fields, b"", *lines])
    made = load_key.__globals__["Key"](b"example.test", b"s1", b"ed25519-sha256", key)
    slices = [content[place : place + size] for place in range(0, len(content), size)]
    message = mail(content)
    result = edited(message, [sign(made, message, slices)])
    public = b"k=ed25519; p=" + base64.b64encode(bytes(key.verify_key))
    assert dkim.verify(result, dnsfunc=lambda name, timeout: public)


@pytest.mark.parametrize(
    ("field", "inside", "signs"),
    [
        (b"From: Anna <anna@EXAMPLE.test>", True, True),
        (b"From: Anna <anna@example.test>", False, False),
        (b"From: anna@sub.example.test", True, False),
        (b"From: anna@example.test, bob@example.test", True, True),
        (b"From: anna@example.test, bob@x.test", True, False),
        (b"From: anna@example.test\r\nFrom: anna@example.test", True, False),
        (b'From: "anna@example.test" <eve@x.test>', True, False),
        (b"Sender: anna@example.test", True, False),
    ],
)
def test_key_for_signs_for_the_author_alone(files, field, inside, signs):
    """Of clients that may send in that name, and never for what a stranger brings."""
    key = load_key("example.test", "s1", files["ed25519"])
    header = read_header(field + b"\r\n\r\n")
    assert Signer({"example.test": key}).key_for(header, inside=inside) is (key if signs else None)


def test_load_key_of_a_file_others_may_read_is_refused(files, tmp_path):
    """A key is its owner's."""
    path = tmp_path / "key.pem"
    path.write_bytes(files["rsa"].read_bytes())
    path.chmod(0o440)
    with pytest.raises(ValueError, match=r"for its owner alone \(chmod 400\)"):
        load_key("example.test", "s1", path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", "to be a private key without a password"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "to be a private key without a password"),
        (b"-----BEGIN PRIVATE KEY-----\nA\n-----END PRIVATE KEY-----\n", "to be a private key without a password"),
        (b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END", "to be a private key without a password"),
    ],
)
def test_load_key_of_something_else_is_refused(tmp_path, text, expected):
    """What was expected is said, nothing of what is there."""
    path = tmp_path / "key.pem"
    path.write_bytes(text)
    path.chmod(0o400)
    with pytest.raises(ValueError, match=expected) as refused:
        load_key("example.test", "s1", path)
    assert str(refused.value) == f"{path} to be a private key without a password in PEM, RSA or Ed25519"


def test_load_key_that_is_too_short_or_not_there(tmp_path):
    """RFC 8301 wants 1024 bits."""
    with pytest.raises(ValueError, match=r"readable by the filter's user \(No such file or directory\)"):
        load_key("example.test", "s1", tmp_path / "none.pem")
    path = openssl(tmp_path / "short.pem", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:768")
    with pytest.raises(ValueError, match="to have 1024 to 4096 bits"):
        load_key("example.test", "s1", path)


def test_key_does_not_show_itself(files):
    """Logs and tracebacks print objects."""
    assert repr(load_key("example.test", "s1", files["rsa"])) == "Key(b's1', b'example.test', b'rsa-sha256')"


def test_sign_that_fails_defers(files):
    """Gate 1 tries again; unsigned it does not leave."""
    message = mail(MESSAGE)

    def breaks():
        yield b"From: x\r\n"
        raise OSError("gone")

    with pytest.raises(Deferral) as deferred:
        sign(load_key("example.test", "s1", files["ed25519"]), message, breaks())
    assert deferred.value.reply is NOT_SIGNED
    assert deferred.value.cause == "not signed for example.test: OSError"
