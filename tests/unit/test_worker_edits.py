"""Lists and keys as filter.toml tells them."""

import subprocess

import pytest

from gateway.edit.archive import MailingList
from gateway.worker_edits import lists, signer

TOLD = {
    "archive_url": "mail-archive",
    "list_id": "talk.lists.example.test",
    "link": "footer",
    "footer": "{url}",
    "posts": True,
}


def test_lists_are_read():
    """By address."""
    assert lists({"talk@lists.example.test": TOLD}) == (
        MailingList("talk@lists.example.test", "talk.lists.example.test", "mail-archive", "footer"),
    )
    assert lists({}) == ()


@pytest.mark.parametrize("wrong", [{"link": "below"}, {"more": 1}, {"footer": 1}])
def test_lists_with_other_keys_are_refused(wrong):
    """File and worker belong together."""
    with pytest.raises(ValueError, match=r"of list t@x\.test|text"):
        lists({"t@x.test": TOLD | wrong})


def test_signer_reads_the_keys(tmp_path):
    """From the files that are named; none is none."""
    path = tmp_path / "key.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ED25519", "-out", path], check=True, capture_output=True)
    path.chmod(0o400)
    assert signer({}) is None
    assert signer({"example.test": {"selector": "s1", "key_file": str(path)}}) is not None
    with pytest.raises(ValueError, match=r"selector and key_file of domain example\.test"):
        signer({"example.test": {"selector": "s1"}})
