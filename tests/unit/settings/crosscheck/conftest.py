"""Files that are right, to be changed in one place by each case."""

import copy
from collections.abc import Callable, Iterator

import pytest

from gateway.settings import crosscheck, hosts
from gateway.settings.models import Settings

RIGHT = {
    "schema": 1,
    "gateway": {"hostname": "mx.example.test", "postmaster": "anna@example.test"},
    "networks": {"lan": ["10.20.0.0/24", "fd00:20::/64"]},
    "listen": {"outside": {"addresses": ["192.0.2.1:25"]}, "inside": {"networks": ["lan"], "filter": False}},
    "domains": {"example.test": {"deliver": "mailbox"}, "corp.test": {"deliver": "relay", "next_hop": "[192.0.2.25]"}},
    "mailboxes": {"list": ["anna@example.test"]},
    "aliases": {"sales@example.test": ["anna@example.test"]},
}


def changed(**changes: object) -> dict:
    """Return the right file with keys set: gateway__subnet="…" sets gateway.subnet."""
    tree: dict = copy.deepcopy(RIGHT)
    for path, value in changes.items():
        *parents, last = path.split("__")
        table = tree
        for parent in parents:
            table = table.setdefault(parent, {})
        table[last] = value
    return tree


def problems(tree: dict) -> Iterator[tuple[str, str]]:
    """Yield path and text of each problem that the rules find."""
    settings = Settings.model_validate(tree)
    entries, _problems = hosts.merge(settings.dns.hosts, "")
    for problem in crosscheck.run(settings, entries, frozenset()):
        yield ".".join(map(str, problem.path)), problem.text


@pytest.fixture
def found() -> Callable[..., list[tuple[str, str]]]:
    """Return what the rules find in the right file with some keys set."""
    return lambda **changes: list(problems(changed(**changes)))
