"""tests/bench/attached.py: a message that checks have to look at, and find nothing in."""

import tomllib
from pathlib import Path

import pytest

from gateway.check.registry import make
from gateway.check.run import run
from gateway.message.envelope import Client, Envelope, ReversePath
from gateway.message.mail import MailObject
from tests.bench import attached
from tests.bench.figures import LARGE, SMALL

CONFIG = Path(attached.__file__).parent / "config" / "searched.toml"


@pytest.mark.parametrize("octets", [SMALL, LARGE])
async def test_message_is_as_large_as_said_and_clean(octets):
    """A finding would hold it; and there are parts, an archive and fields to look at."""
    content = attached.message(octets).replace(b"\n", b"\r\n")
    assert 0.95 * octets < len(content) < 1.05 * octets
    settings = tomllib.loads(CONFIG.read_text())
    told = {
        "attachments": {"groups": {"executable": ["exe"]}},
        "structure": {},
        "headers": settings["checks"]["headers"],
    }
    checks = [make(name, {"timeout_s": 5, **told[name]}) for name in settings["policies"]["searched"]["checks"]]
    mail = MailObject(Envelope(ReversePath(b"a@x.test")), Client(), content)
    _, reports = await run(checks, mail)
    assert [list(report.findings) for report in reports] == [[]] * 3
    assert [part.type for part in mail.mime.leaves] == ["text/plain", "text/html", "application/zip"]
    assert mail.mime.parts[-1].filename == "pictures.zip"


def test_message_is_the_same_each_time():
    """Two runs measure the same."""
    assert attached.message(SMALL) == attached.message(SMALL)
