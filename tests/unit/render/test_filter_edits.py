"""What workers are told of lists, keys and authentication, and that they understand it."""

from __future__ import annotations

import subprocess
import tomllib

import pytest

from gateway import worker_settings
from gateway.edit.archive import MailingList
from gateway.render import filter as render
from gateway.render.filter import render_filter
from gateway.settings.mistakes import SettingsError
from gateway.worker_settings import load
from tests.configurations import configure, minimal

LISTS = """
[lists."Talk@lists.example.test"]
archive_url = "hyperkitty:https://lists.example.test/archives"
link = "footer"
[lists."news@lists.example.test"]
archive_url = "mail-archive"
list_id = "News.example.test"
footer = "At {url}"
posts = false
"""


def test_lists_reach_the_worker(tmp_path):
    """In lower case; List-Id is the address with a dot unless set."""
    path = tmp_path / "filter.toml"
    path.write_text(render_filter(configure(tmp_path, minimal(LISTS)))["filter.toml"])
    settings = load(path)
    assert settings.lists == (
        MailingList(
            "talk@lists.example.test",
            "talk.lists.example.test",
            "hyperkitty:https://lists.example.test/archives",
            "footer",
        ),
        MailingList("news@lists.example.test", "news.example.test", "mail-archive", footer="At {url}", posts=False),
    )
    assert settings.standing
    assert settings.dkim is None


def test_keys_reach_the_worker_by_name(tmp_path, monkeypatch):
    """filter.toml says where a key is; what is in it only the worker reads."""
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    key = secrets / "k.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ED25519", "-out", key], check=True, capture_output=True)
    key.chmod(0o400)
    monkeypatch.setattr(render, "SECRETS", str(secrets))
    extra = '[dkim."example.test"]\nselector = "s1"\nkey_file = "k.pem"\n'
    files = render_filter(configure(tmp_path, minimal(extra)))
    assert not any(key.read_text().splitlines()[1] in text for text in files.values())
    path = tmp_path / "filter.toml"
    path.write_text(files["filter.toml"])
    assert load(path).dkim is not None
    key.unlink()
    with pytest.raises(worker_settings.SettingsError, match="readable by the filter's user"):
        load(path)


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ("", {"authserv_id": "mx.example.test", "dns_timeout_s": 20.0, "timeout_s": 30, "trusted_sealers": []}),
        (
            '[checks.auth]\nauthserv_id = "x.test"\ntrusted_sealers = ["a.test"]\ntimeout = "6s"\n',
            {"authserv_id": "x.test", "dns_timeout_s": 4.0, "timeout_s": 6, "trusted_sealers": ["a.test"]},
        ),
    ],
)
def test_auth_is_told_its_name_and_time(tmp_path, extra, told):
    """gateway.hostname unless set; the lookups end before the check does."""
    text = minimal('[policies.default]\nchecks = ["auth"]\n' + extra)
    rendered = tomllib.loads(render_filter(configure(tmp_path, text))["filter.toml"])
    assert rendered["checks"]["auth"] == told


@pytest.mark.parametrize("footer", ["no link", "{url} {url}", "{url} {x}", "{url}}", ""])
def test_footer_without_one_link_is_refused(tmp_path, footer):
    """The line is there for the link."""
    with pytest.raises(SettingsError, match="in it, once"):
        configure(tmp_path, minimal(LISTS.replace("At {url}", footer)))
