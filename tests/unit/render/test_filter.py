"""What supervisor and the workers are told."""

from __future__ import annotations

import tomllib
from configparser import RawConfigParser
from ipaddress import ip_network

import pytest

from gateway.check.registry import KINDS
from gateway.message.policy import Judgement, Policy
from gateway.message.verdict import Action, Outcome
from gateway.render.filter import render_filter
from gateway.render.plan import changes
from gateway.worker_settings import load
from tests.configurations import configure, minimal


def test_filter_toml_of_the_smallest_file(tmp_path):
    """Where the filter hands on, and how long it waits; the greatest message lies between those of the gates."""
    files = render_filter(configure(tmp_path, minimal()))
    assert tomllib.loads(files["filter.toml"]) == {
        "next_hops": ["198.18.25.69:10026"],
        "helo_name": "filter.mx.example.test",
        "max_transactions": 5,
        "max_message_octets": 51 * 2**20,
        "max_recipients": 1000,
        "command_timeout_s": 300,
        "data_timeout_s": 180,
        "connect_timeout_s": 10,
        "reply_timeout_s": 300,
        "commit_timeout_s": 540,
        "transaction_timeout_s": 1080,
        "drain_timeout_s": 50,
        "log_format": "human",
        "log_level": "info",
        "xforward_peers": ["198.18.25.35"],
        "inside": [],
        "quarantine": "",
        "quarantine_max_octets": 2 * 2**30,
        "quarantine_retention_s": 30 * 86_400,
        "doors": {},
        "checks": {},
        "lists": {},
        "dkim": {},
        "policies": {"default": {"checks": [], "outside": "hold", "inside": "reject"}},
    }


def test_filter_toml_with_policies_and_limits(tmp_path):
    """Every policy by name; each worker gets its whole share of the transactions."""
    extra = (
        '[policies.default]\n[policies.strict]\nchecks = ["gtube"]\n[log]\nformat = "json"\nlevel = "debug"\n'
        '[filter]\nworkers = 3\nmax_transactions = 10\nreply_timeout = "1m"\ncommit_timeout = "2m"\n'
        'transaction_timeout = "4m"\n'
    )
    told = tomllib.loads(render_filter(configure(tmp_path, minimal(extra)))["filter.toml"])
    by_default = {"outside": "hold", "inside": "reject"}
    assert told["policies"] == {
        "default": {"checks": []} | by_default,
        "strict": {"checks": ["gtube"], "on_error": {"gtube": "defer"}} | by_default,
    }
    assert told["checks"] == {"gtube": {"timeout_s": 30}}
    assert told["quarantine"] == "/var/lib/sallyport/quarantine"
    assert told["max_transactions"] == 3
    assert (told["reply_timeout_s"], told["commit_timeout_s"], told["transaction_timeout_s"]) == (60, 120, 240)
    assert (told["log_format"], told["log_level"]) == ("json", "debug")


POLICIES = """
[networks]
lan = ["10.20.0.0/24", "fd00:20::/64"]
office = ["10.30.0.0/24"]
[listen.inside]
networks = ["lan"]
[listen.both]
addresses = ["192.0.2.1:25"]
trusted = ["office", "lan"]
[checks.gtube]
on_error = "pass"
timeout = "5s"
[policies.strict]
checks = ["gtube"]
outside = "redirect:[192.0.2.9]:25"
inside = "tag"
[policies.strict.verdicts]
"gtube.gtube" = "redirect:abuse@elsewhere.test"
[policies.strict.verdicts_inside]
gtube = "redirect:[192.0.2.8]:2525"
[policies.strict.tag]
fields = { X-Spam = 'say "yes"' }
subject_prefix = "[SPAM]"
"""


def test_filter_toml_is_what_a_worker_reads(tmp_path):
    """Every word of a policy arrives as it was meant: rendered here, read there."""
    path = tmp_path / "filter.toml"
    path.write_text(render_filter(configure(tmp_path, minimal(POLICIES)))["filter.toml"])
    worker = load(path)
    assert worker.inside == tuple(map(ip_network, ("10.20.0.0/24", "fd00:20::/64", "10.30.0.0/24")))
    doors = {"[192.0.2.9]:25": 10027, "[192.0.2.8]:2525": 10028}
    assert worker.doors == {hop: (("198.18.25.69", port),) for hop, port in doors.items()}
    assert worker.checks["gtube"].timeout_s == 5
    found = {"gtube.gtube": Outcome(Action.REDIRECT, "abuse@elsewhere.test")}
    assert worker.policies["strict"] == Policy(
        "strict",
        ("gtube",),
        Judgement(Outcome(Action.REDIRECT, "[192.0.2.9]:25"), found),
        Judgement(Outcome(Action.TAG), found | {"gtube": Outcome(Action.REDIRECT, "[192.0.2.8]:2525")}),
        {"gtube": Action.PASS},
        (("X-Spam", 'say "yes"'),),
        "[SPAM]",
    )


@pytest.mark.parametrize("name", KINDS)
def test_every_check_can_be_made_of_its_table(tmp_path, name):
    """The keys that settings give a check are those it takes, with nothing set but what must be."""
    needed = {"command": '[checks.command.own]\nprogram = "own"\n'}.get(name, "")
    program = tmp_path / "commands/own"
    program.parent.mkdir()
    program.touch(mode=0o755)
    named = f"{name}:own" if name == "command" else name
    extra = f'{needed}[policies.default]\nchecks = ["{named}"]\n'
    path = tmp_path / "filter.toml"
    path.write_text(render_filter(configure(tmp_path, minimal(extra)))["filter.toml"])
    assert list(load(path).checks) == [named]


def test_supervisord_conf(tmp_path):
    """N workers in one group, which is named after their number; else the listeners that look after them."""
    text = render_filter(configure(tmp_path, minimal("[filter]\nworkers = 4\n")))["supervisord.conf"]
    parser = RawConfigParser()
    parser.read_string(text)
    assert [name for name in parser.sections() if ":" in name] == [
        "rpcinterface:supervisor",
        "program:filter-of-4",
        "eventlistener:fatal",
        "eventlistener:watchdog",
        "eventlistener:expire",
    ]
    assert dict(parser["listen"]) == {"socket": "tcp://198.18.25.36:10025", "backlog": "128", "fd": "100"}
    workers = parser["program:filter-of-4"]
    assert workers["numprocs"] == "4"
    assert workers["stopwaitsecs"] == "55"


def test_number_of_workers_needs_no_restart(tmp_path):
    """Supervisord takes another group of workers while it runs; other limits of its own it does not take."""
    two, four = (
        {f"filter/{name}": text for name, text in render_filter(configure(tmp_path, minimal(extra))).items()}
        for extra in ("[filter]\nworkers = 2\n", "[filter]\nworkers = 4\n")
    )
    assert [change.action for change in changes({"filter": two}, four)] == ["reload"]
    other = two["filter/supervisord.conf"].replace("minfds=100", "minfds=99")
    assert [change.action for change in changes({"filter": two}, two | {"filter/supervisord.conf": other})] == [
        "restart"
    ]
