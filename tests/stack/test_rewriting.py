"""
No address is rewritten before the filter, all rewriting is gate 2's, and patterns are looked for in gate 1 alone.

The filter's line shows the recipients it was told; the Maildirs and the sink show where the message went.
"""

from __future__ import annotations

import json

import pytest

from tests.stack.appliance import Appliance
from tests.stack.client import Client, Sink, wait_for

# What the client says, and who has it in the end.
RECIPIENTS = {
    "an alias": ("sales@example.test", ["anna@example.test", "out@elsewhere.test"]),
    "an alias in mixed case": ("Sales@Example.Test", ["anna@example.test", "out@elsewhere.test"]),
    "an alias with an extension": ("sales+x@example.test", ["anna@example.test", "out+x@elsewhere.test"]),
    "an alias in an alias domain": ("team@lists.test", ["bob@example.test"]),
    "a canonical address": ("anna.smith@example.test", ["anna@example.test"]),
    "a canonical address in mixed case": ("Anna.Smith@example.TEST", ["anna@example.test"]),
    "a mailbox with an extension": ("anna+lists@example.test", ["anna@example.test"]),
    "a mailbox in mixed case": ("aNNa@example.test", ["anna@example.test"]),
    "a quoted local part": ('"a b"@open.test', ['"a b"@open.test']),
    "mixed case, another's": ("MixedCase@open.test", ["MixedCase@open.test"]),
    "another's with an extension": ("a+b@open.test", ["a+b@open.test"]),
    "two dots in a row, which want quotes": ('"a..b"@open.test', ['"a..b"@open.test']),
    "a pipe": ("|cat@open.test", ["|cat@open.test"]),
    "a path": ("/etc/passwd@open.test", ["/etc/passwd@open.test"]),
}


@pytest.mark.parametrize(("recipient", "ends"), RECIPIENTS.values(), ids=list(RECIPIENTS))
def test_filter_sees_the_recipient_as_it_came(
    site: Appliance, outsider: Client, sink: Sink, recipient: str, ends: list[str]
) -> None:
    """Gate 1 hands the recipient on unchanged; gate 2 finds out where it goes, inside and outside."""
    sent = outsider.swaks(site.outside, to=recipient)
    assert sent.code == 0, sent.transcript
    shown = f"<{recipient}>" if '"' not in recipient else json.dumps(f"<{recipient}>")
    line = site.logged("filter", rf".*pre={sent.queue_id} .*")[0]
    assert f" to={shown} " in line
    for end in ends:
        if end.endswith("@example.test"):
            assert f"X-Original-To: {recipient}\n" in site.arrived(end, sent.token)
        else:
            [path] = sink.arrived(sent.token)["recipients"]
            assert path.split(" ORCPT=")[0] == f"TO:<{end}>"


ROUTED = ("a%b@open.test", "a!b@open.test", '"a@b"@open.test')


@pytest.mark.parametrize("recipient", ROUTED)
def test_routed_recipient_is_refused_or_left_alone(
    site: Appliance, outsider: Client, sink: Sink, recipient: str
) -> None:
    """A recipient that other servers might send on is refused to strangers; from the LAN it stays as it came."""
    refused = outsider.swaks(site.outside, to=recipient)
    assert refused.last_error == f"554 5.7.1 <{recipient.replace('"', '')}>: Relay access denied"
    sent = site.lan.host(16).swaks(f"{site.lan.network[1]}:2527", to=recipient)
    assert sent.code == 0, sent.transcript
    [path] = sink.arrived(sent.token)["recipients"]
    assert path.split(" ORCPT=")[0] == f"TO:<{recipient}>"


def test_header_and_reverse_path_stay_as_they_came(site: Appliance, outsider: Client, sink: Sink) -> None:
    """Names that lack a domain, or that a map has, stay as they are in the header; so does the reverse-path."""
    fields = {"From": "Anna.Smith@example.test", "To": "sales, Team@lists.test", "Cc": "a%b@example.test"}
    options = [part for name, value in fields.items() for part in ("--header", f"{name}: {value}")]
    sent = outsider.swaks(site.outside, *options, to="x@open.test", sender="Some.One+x@Client.Example")
    message = sink.arrived(sent.token)
    assert message["reverse_path"].startswith("FROM:<Some.One+x@Client.Example>")
    for name, value in fields.items():
        assert f"\r\n{name}: {value}\r\n".encode() in message["content"]


MASQUERADED = {
    "a host": ("anna@web1.hidden.test", "anna@hidden.test"),
    "a host of a host": ("anna@a.web1.hidden.test", "anna@hidden.test"),
    "the domain itself": ("anna@hidden.test", "anna@hidden.test"),
    "an exception": ("root@web1.hidden.test", "root@web1.hidden.test"),
    "a name that ends alike": ("anna@nothidden.test", "anna@nothidden.test"),
}


@pytest.mark.parametrize(("sender", "leaves"), MASQUERADED.values(), ids=list(MASQUERADED))
def test_hosts_are_masqueraded_behind_the_filter(site: Appliance, sink: Sink, sender: str, leaves: str) -> None:
    """The reverse-path loses its host in gate 2, not before; header and recipients stay as they came."""
    fields = ("--h-From", f"Anna <{sender}>", "--h-To", "x@web1.hidden.test")
    sent = site.lan.host(16).swaks(f"{site.lan.network[1]}:2527", *fields, to="x@open.test", sender=sender)
    assert sent.code == 0, sent.transcript
    message = sink.arrived(sent.token)
    assert message["reverse_path"].startswith(f"FROM:<{leaves}>")
    assert message["recipients"][0].startswith("TO:<x@open.test>")
    for field in (f"From: Anna <{sender}>", "To: x@web1.hidden.test"):
        assert f"\r\n{field}\r\n".encode() in message["content"]
    assert f" from=<{sender}> " in site.logged("filter", rf".*pre={sent.queue_id} .*")[0]


def test_alias_to_several_is_expanded_once_behind_the_filter(site: Appliance, outsider: Client, sink: Sink) -> None:
    """One recipient before the filter becomes two behind it, which gets neither of them to see."""
    sent = outsider.swaks(site.outside, to="sales@example.test")
    sink.arrived(sent.token)
    site.arrived("anna@example.test", sent.token)
    assert site.logs("filter").count(sent.queue_id) == 1
    assert "recipients=1 " in site.logged("filter", rf".*pre={sent.queue_id} .*")[0]
    assert sent.token not in "".join(site.mailbox("bob@example.test"))


# --- patterns ---------------------------------------------------------------------------------------------------


REFUSED = {
    "a header field": ("--header", "X-Refuse: yes"),
    "a header field in other letters": ("--header", "x-refuse: YES"),
    "a line of the body": ("--body", "Hello\nRefuse this body\nbye"),
}


@pytest.mark.parametrize("options", REFUSED.values(), ids=list(REFUSED))
def test_pattern_is_refused_by_gate_1(site: Appliance, outsider: Client, sink: Sink, options: tuple[str, ...]) -> None:
    """What a pattern matches gets a 550 after the dot: the filter never sees it, and nobody is sent a DSN."""
    sender = f"pattern-{sum(map(ord, ''.join(options)))}@client.example"
    sent = outsider.swaks(site.outside, *options, to="anna@example.test", sender=sender)
    assert sent.last_error == "550 5.7.1 message content rejected"
    assert f"from=<{sender}>" not in site.logs("filter")
    assert sent.token not in "".join(site.mailbox("anna@example.test"))


def test_pattern_that_is_not_matched_does_nothing(site: Appliance, outsider: Client) -> None:
    """The same words in another place are no match."""
    options = ("--header", "X-Refuse: no", "--body", "Do not refuse this body")
    sent = outsider.swaks(site.outside, *options, to="anna@example.test")
    assert sent.code == 0, sent.transcript
    site.arrived("anna@example.test", sent.token)


def test_patterns_are_gate_1s_alone(site: Appliance) -> None:
    """Gate 2 has no patterns: a message that gate 1 took is not judged by them again."""
    checks = ("header_checks", "body_checks", "mime_header_checks", "nested_header_checks")
    assert site.exec("postfix-post", "postconf", "-c", "/run/config", "-h", *checks).stdout.split() == [
        "$header_checks",
        "$header_checks",
    ]
    wait_for(lambda: site.queue("postfix-post") == [], "an empty queue")
