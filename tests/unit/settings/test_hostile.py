"""Every string of the file against text that means something to one of the daemons."""

import json
import re
from collections.abc import Callable

import pytest

from gateway.settings.load import SettingsError

from .test_load import load_text

HOSTILE = [
    *("\n", "x\ny", "x\r", "a\0b", " lead", "\tlead", "#x", "x\\", "trail ", "$mynetworks", "${x}", "$$", "{ }", "{x}"),
    *("a, b", "a b", '"', "x;", "}", "//", "/*", ";", "(", "@", "\\032", '\\"', "$INCLUDE /etc/shadow"),
    *("$GENERATE 1-16777216 x A 192.0.2.4", "%(ENV_HOME)s", "%x", "$X", "{{7*7}}", "{0.__class__}", "{% if x %}"),
    *("pcre:/x", "regexp:/x", "inline:{a=b}", "tcp:x:1", "pipemap:{x}", "proxy:x", "static:x"),
    *("|cmd", "/file", ":include:/x", "../x", "..", ".", "-f", "--", "*", "*.test", "a..test", "a.test.", "_x.test"),
    *("\u202ea.test", "ä.test", "a\u2028b", "\x7f", "\x1b[2J", "a" * 300, f"{'a' * 64}.test", "a'b", "x=y", "`id`"),
]

# Each place that takes a string, and what its grammar lets through at most.
NAME = r"[a-z0-9-]+(\.[a-z0-9-]+)+"
LOCAL = r"[a-z0-9_+=~&'.-]+"
FIELDS: dict[str, tuple[Callable[[str], dict], str]] = {
    "gateway.hostname": (lambda v: {"gateway": {"hostname": v}}, NAME),
    "gateway.outbound_hostname": (lambda v: {"gateway": {"outbound_hostname": v}}, NAME),
    "gateway.postmaster": (lambda v: {"gateway": {"postmaster": v}}, rf"{LOCAL}@{NAME}"),
    "gateway.message_size_limit": (lambda v: {"gateway": {"message_size_limit": v}}, "never"),
    "gateway.recipient_delimiter": (lambda v: {"gateway": {"recipient_delimiter": v}}, "never"),
    "gateway.relayhost": (lambda v: {"gateway": {"relayhost": v}}, rf"(\[[a-z0-9.:-]+\]|{NAME})(:\d+)?"),
    "gateway.subnet": (lambda v: {"gateway": {"subnet": v}}, "never"),
    "networks key": (lambda v: {"networks": {v: ["10.0.0.0/8"]}}, "[a-z][a-z0-9-]*"),
    "networks": (lambda v: {"networks": {"lan": [v]}}, "never"),
    "listen key": (lambda v: {"listen": {v: {}}}, "[a-z][a-z0-9-]*"),
    "listen.addresses": (lambda v: {"listen": {"outside": {"addresses": [v]}}}, "never"),
    "listen.networks": (lambda v: {"listen": {"outside": {"networks": [v]}}}, "never"),
    "senders.reject": (lambda v: {"senders": {"reject": [v]}}, rf"\.[a-z0-9-]+|\.?{NAME}|{LOCAL}@{NAME}"),
    "dnsbl.lists": (lambda v: {"dnsbl": {"lists": [v]}}, NAME),
    "dns.addresses": (lambda v: {"dns": {"addresses": [v]}}, "never"),
    "dns.forwarders": (lambda v: {"dns": {"forwarders": [v]}}, "never"),
    "dns.domain": (lambda v: {"dns": {"domain": v}}, NAME),
    "dns.hosts_file": (lambda v: {"dns": {"hosts_file": v}}, "never"),
    "dns.hosts key": (lambda v: {"dns": {"hosts": {v: "a.test"}}}, "never"),
    "dns.hosts": (lambda v: {"networks": {"lan": ["10.0.0.0/8"]}, "dns": {"hosts": {"10.0.0.1": v}}}, NAME),
    "dns.zones key": (lambda v: {"dns": {"zones": {v: "zone"}}}, NAME),
    "dns.zones": (lambda v: {"dns": {"zones": {"a.test": v}}}, "never"),
    "dns.forward_zones": (lambda v: {"dns": {"forward_zones": {v: ["192.0.2.53"]}}}, NAME),
    "domains key": (lambda v: {"domains": {v: {"deliver": "mailbox"}}}, NAME),
    "domains.deliver": (lambda v: {"domains": {"a.test": {"deliver": v}}}, "never"),
    "domains.next_hop": (
        lambda v: {"domains": {"a.test": {"deliver": "relay", "next_hop": v}}},
        rf"(\[[a-z0-9.:-]+\]|{NAME})(:\d+)?",
    ),
    "domains.policy": (lambda v: {"domains": {"a.test": {"deliver": "mailbox", "policy": v}}}, "never"),
    "mailboxes.list": (lambda v: {"mailboxes": {"list": [v]}}, rf"{LOCAL}@{NAME}"),
    "aliases key": (lambda v: {"aliases": {v: ["a@a.test"]}}, rf"({LOCAL})?@{NAME}"),
    "aliases": (lambda v: {"aliases": {"sales@example.test": [v]}}, rf"{LOCAL}@{NAME}"),
    "canonical key": (lambda v: {"canonical": {v: "a@a.test"}}, rf"({LOCAL})?@{NAME}"),
    "canonical": (lambda v: {"canonical": {"a@a.test": v}}, rf"({LOCAL})?@{NAME}"),
    "filter.reply_timeout": (lambda v: {"filter": {"reply_timeout": v}}, "never"),
    "policies key": (lambda v: {"policies": {v: {}}}, "[a-z][a-z0-9-]*"),
    "policies.checks": (lambda v: {"policies": {"default": {"checks": [v]}}}, "never"),
    "patterns.match": (lambda v: {"patterns": [{"match": v, "pattern": "x", "action": "warn"}]}, "never"),
    "log.format": (lambda v: {"log": {"format": v}}, "never"),
}


BASE = {
    "schema": 1,
    "gateway": {"hostname": "mx.example.test", "postmaster": "postmaster@example.net"},
    "listen": {"outside": {"addresses": ["127.0.0.1:2525"]}},
    "domains": {"example.test": {"deliver": "mailbox"}},
}


def document(change: dict) -> str:
    """Put a change into a small file that is right, and write it as TOML."""
    merged = {
        table: BASE.get(table, {}) | value if isinstance(value, dict) else value for table, value in change.items()
    }
    return "".join(f"{table} = {toml(value)}\n" for table, value in (BASE | merged).items())


def toml(value: object) -> str:
    """Write a value on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(key)} = {toml(child)}" for key, child in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value).replace("\x7f", "\\u007f")


@pytest.mark.parametrize("field", FIELDS)
def test_hostile_text_is_refused_or_is_what_the_grammar_allows(field):
    """No value can begin a line, a comment, a macro or a statement in any file rendered from it."""
    change, grammar = FIELDS[field]
    for text in HOSTILE:
        # As it is, and dressed as what the field expects.
        for value in (text, f"{text}.test", f"{text}@example.test"):
            try:
                load_text(document(change(value)), zone="")
            except SettingsError as error:
                assert str(error.mistakes[0]).isprintable()
            else:
                assert re.fullmatch(grammar, value.lower()), f"{field} took {value!r}"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("gateway.hostname", "MX.Example.test"),
        ("senders.reject", ".bulk.example"),
        ("senders.reject", ".top"),
        ("mailboxes.list", "o'neil+x@example.test"),
        ("dns.hosts", "web1.lan.test"),
        ("gateway.relayhost", "[smtp]:2525"),
        ("canonical", "@new.test"),
    ],
)
def test_harmless_text_is_taken(field, value):
    """The test above would pass if everything were refused."""
    load_text(document(FIELDS[field][0](value)), zone="")


def test_every_pattern_stays_one_line():
    """A pattern may hold any printable character, but a backslash that would reach beyond it."""
    for text in HOSTILE:
        change = {"patterns": [{"match": "body", "pattern": text, "action": "warn"}]}
        try:
            loaded = load_text(document(change))
        except SettingsError:
            assert not text.isprintable() or text.endswith("\\")
        else:
            assert loaded.settings.patterns[0].pattern == text
