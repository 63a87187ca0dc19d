"""
`gateway explain`: what would become of a message, and why, without sending it.

Exit codes: 0 explained; 1 failed, the reason on stderr; 2 wrong usage; 3 mistakes in gateway.toml.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import click
import dns.exception
import dns.resolver
from rich.console import Console
from rich.text import Text

from gateway.explain.cases import wire
from gateway.explain.explain import explain
from gateway.explain.steps import Explanation, Sent, Step
from gateway.operate.options import answers, config_option, json_option
from gateway.settings.load import load
from gateway.trace.escape import escape

DNS_S = 5.0  # for each DNS blocklist


@click.command("explain")
@click.argument("file", type=click.File("rb"))
@click.option("--from", "reverse_path", default="", help="MAIL FROM; the null sender unless given.")
@click.option("--to", "recipients", multiple=True, required=True, help="RCPT TO; once for each recipient.")
@click.option("--client", default="192.0.2.1", show_default=True, help="The client's address.")
@click.option("--client-name", default="unknown", show_default=True, help="Its name, as its PTR record gives it.")
@click.option("--helo", default="client.invalid", show_default=True, help="What it says in EHLO.")
@click.option("--listener", default="", help="The [listen.*] table it connects to; the first unless given.")
@click.option("--offline", is_flag=True, help="Ask neither DNS nor scanners; such checks then find nothing.")
@config_option
@json_option
@answers
def explain_command(config: Path, *, as_json: bool, offline: bool, **told: Any) -> None:  # noqa: ANN401 - click's
    """
    Say, step by step, what would become of the message in FILE (- for stdin): nothing is sent.

    Example: gateway explain mail.eml --from s@far.example --to anna@example.test --client 192.0.2.7
    """
    configuration = load(config)
    outcome = asyncio.run(
        explain(configuration, _sent(told), assumed={} if offline else None, listed=None if offline else listed)
    )
    if as_json:
        click.echo(json.dumps(_data(outcome)))
    else:
        _print(Console(highlight=False, soft_wrap=True), outcome)


def _sent(told: dict[str, Any]) -> Sent:
    content = wire(told["file"].read())
    client = ip_address(told["client"])
    names = (told["client_name"], told["helo"], told["listener"])
    return Sent(content, told["reverse_path"], tuple(told["recipients"]), client, *names)


def listed(entry: str, sent: Sent) -> str | None:
    """Ask a DNS blocklist about a client; its answer, or None where it has none."""
    zone, _, answers = entry.partition("=")
    name = sent.client.reverse_pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")
    try:
        found = [str(answer) for answer in dns.resolver.resolve(f"{name}.{zone}.", "A", lifetime=DNS_S)]
    except dns.exception.DNSException:
        return None
    meant = [answer for answer in found if _means_listed(answer, answers or "127.[0..254].[0..255].[0..255]")]
    return meant[0] if meant else None


def _means_listed(answer: str, pattern: str) -> bool:
    """Compare an answer with a pattern of postconf(5) reject_rbl_client: d.d.d.d with [a..b;c]."""
    octets, place = [], 0
    while place < len(pattern):
        end = pattern.index("]", place) + 1 if pattern[place] == "[" else (pattern + ".").index(".", place)
        octets.append(pattern[place:end].strip("[]"))
        place = end + 1
    return all(
        any(_within(int(have), part) for part in want.split(";"))
        for have, want in zip(answer.split("."), octets, strict=True)
    )


def _within(number: int, part: str) -> bool:
    first, _, last = part.partition("..")
    return int(first) <= number <= int(last or first)


def _data(outcome: Explanation) -> dict[str, Any]:
    told = dataclasses.asdict(outcome)
    del told["content"]
    return told


def _print(console: Console, outcome: Explanation) -> None:
    for line, style in _lines(outcome):
        console.print(Text(line, style))


def _lines(outcome: Explanation) -> Iterator[tuple[str, str]]:
    for step in outcome.steps:
        yield _line(step), "red" if step.ends else ""
    for fate in (fate for fate in outcome.fates if fate.steps):
        yield f"\n<{escape(fate.recipient)}>", "bold"
        for step in fate.steps:
            yield _line(step), "red" if step.ends else ""
    for policy, lines in outcome.edits.items():
        yield f"\nedits by policy {policy}{'' if lines else ': none, it leaves as it came'}", "bold"
        for line in lines:
            yield line, {"+": "green", "-": "red", "@": "cyan"}.get(line[0], "")


def _line(step: Step) -> str:
    why = f"   ({escape(step.why)})" if step.why else ""
    return f"{step.where:<7} {step.what:<28} {escape(step.outcome)}{why}"
