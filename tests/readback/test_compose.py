"""compose.yaml says for itself what the default file says."""

from __future__ import annotations

import json
import re

import pytest

from tests.golden.cases import CASES, ROOT, rendered
from tests.readback.daemons import said

OPTIONAL = ("clamav", "rspamd", "runner", "database", "dovecot")


def composed(*files):
    """Return what Compose makes of compose.yaml and overrides."""
    words = [word for file in (ROOT / "compose.yaml", *files) for word in ("-f", str(file))]
    return json.loads(said("docker", "compose", *words, "--profile", "*", "config", "--format", "json"))


def test_override_of_the_default_file_changes_nothing(tmp_path):
    """`docker compose up` alone runs the appliance of config/gateway.toml."""
    override = tmp_path / "override.yaml"
    override.write_text(rendered("default")["compose.override.yaml"])
    assert composed(override) == composed()


@pytest.mark.parametrize("case", CASES)
def test_override_decides_addresses_ports_and_memory_alone(case, tmp_path):
    """Whatever the file says, no service gets another image, volume, user or capability; scanners are told sizes."""
    override = tmp_path / "override.yaml"
    override.write_text(rendered(case)["compose.override.yaml"])
    before, after = composed(), composed(override)
    for tree in (before, after):
        for service in tree["services"].values():
            for key in ("ports", "networks", "dns"):
                service.pop(key, None)
        for name in ("postfix-pre", "postfix-post"):  # of [directory]: its password
            tree["services"][name].pop("secrets", None)
        for secret in tree["secrets"].values():
            secret.pop("file")
        for name in OPTIONAL:
            for key in ("profiles", "environment"):
                tree["services"][name].pop(key, None)
        filter_ = tree["services"]["filter"]
        filter_["tmpfs"] = [re.sub(r"(/tmp:.*size=)\d+", r"\1", entry) for entry in filter_["tmpfs"]]
        filter_.pop("mem_limit")
        for network in tree["networks"].values():
            network.pop("ipam")
            network.pop("enable_ipv6", None)
    assert after == before
