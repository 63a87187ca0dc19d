"""What supervisor and the workers are told."""

from __future__ import annotations

import tomllib
from configparser import RawConfigParser

from gateway.render.filter import render_filter
from gateway.render.plan import changes
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
        "policies": {"default": {"checks": []}},
    }


def test_filter_toml_with_policies_and_limits(tmp_path):
    """Every policy by name; each worker gets its whole share of the transactions."""
    extra = (
        '[policies.default]\n[policies.strict]\nchecks = ["gtube"]\n[log]\nformat = "json"\nlevel = "debug"\n'
        '[filter]\nworkers = 3\nmax_transactions = 10\nreply_timeout = "1m"\ncommit_timeout = "2m"\n'
        'transaction_timeout = "4m"\n'
    )
    told = tomllib.loads(render_filter(configure(tmp_path, minimal(extra)))["filter.toml"])
    assert told["policies"] == {"default": {"checks": []}, "strict": {"checks": ["gtube"]}}
    assert told["max_transactions"] == 3
    assert (told["reply_timeout_s"], told["commit_timeout_s"], told["transaction_timeout_s"]) == (60, 120, 240)
    assert (told["log_format"], told["log_level"]) == ("json", "debug")


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
