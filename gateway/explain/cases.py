"""
The operator's own cases: config/tests/*.toml, each a message, its envelope and what should become of it.

    message = "spam.eml"                    # a file beside it; or content = '''…'''
    from = "s@client.example"
    to = ["anna@example.test"]
    client = "192.0.2.7"                    # optional, as are client_name, helo, listener
    assume = { clamav = ["virus"] }         # what checks that ask others report; nothing unless said

    [expect]
    verdict = "hold"                        # or a table by recipient; refused when gate 1 does not take it
    policy = "strict"
    reply = "^550 5.7.1"                    # the last word, as a pattern
    header = ["^X-Spam: yes$"]              # patterns for lines of the header section that would leave
    no_header = ["^X-Spam-Score:"]
    next_hop = "[192.0.2.25]:25"

They are run by `make check`: a change that lets the wrong mail through is seen before it is applied.
"""

import asyncio
import re
import tomllib
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from gateway.check.registry import reported
from gateway.explain.explain import explain
from gateway.explain.steps import GATE1, Explanation, Fate, Sent
from gateway.message.header import read_header
from gateway.message.verdict import ERROR
from gateway.settings.grammar import VERDICTS
from gateway.settings.load import Configuration
from gateway.trace.escape import escape

_KEYS = frozenset({"message", "content", "from", "to", "client", "client_name", "helo", "listener", "assume", "expect"})
_TEXTS = _KEYS - {"to", "assume", "expect"}
_EXPECTED = frozenset({"verdict", "policy", "reply", "header", "no_header", "next_hop"})
REFUSED = "refused"  # verdict of what gate 1 does not take


class BadCase(ValueError):  # noqa: N818 - names what the file is
    """A case cannot be read; says which key and what was expected."""


def run(configuration: Configuration, folder: Path) -> Iterator[tuple[str, list[str]]]:
    """
    Run the cases of a folder.

    Yields:
        The name of each file and what did not come out as expected, nothing where all did.
    """
    for path in sorted(folder.glob("*.toml")):
        try:
            told = _read(path)
            outcome = asyncio.run(explain(configuration, sent(path, told), assumed=_assumed(configuration, told)))
            yield path.name, list(differences(told.get("expect", {}), outcome))
        except (BadCase, LookupError) as error:
            yield path.name, [str(error)]


def _read(path: Path) -> dict[str, Any]:
    """Read a file and check its keys, so that nothing it expects is passed over."""
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadCase(str(error)) from None
    for unknown in sorted(set(told) - _KEYS):
        raise BadCase(f"{unknown}: unknown key; expected one of {', '.join(sorted(_KEYS))}")
    for key in sorted(set(told) & _TEXTS):
        _text(key, told[key])
    expected = told.get("expect")
    if not isinstance(expected, dict) or not expected:
        raise BadCase("expect: missing; expected this table, or the case could not fail")
    _check_expected(expected, told.get("to", []))
    return told


def _check_expected(expected: Mapping[str, Any], to: object) -> None:
    for unknown in sorted(set(expected) - _EXPECTED):
        raise BadCase(f"expect.{unknown}: unknown key; expected one of {', '.join(sorted(_EXPECTED))}")
    for key, value in expected.items():
        if key == "verdict":
            _check_verdict(value, to)
        elif key in ("header", "no_header"):
            if not isinstance(value, list) or not value:
                raise BadCase(f"expect.{key}: expected a list of one or more patterns")
            for pattern in value:
                _pattern(key, pattern)
        elif key == "reply":
            _pattern(key, value)
        else:
            _text(f"expect.{key}", value)


def _check_verdict(value: object, to: object) -> None:
    """Check one verdict, or a table of them: a recipient whom the message is not for would never be looked at."""
    if isinstance(value, dict):
        known = to if isinstance(to, list) else []
        for unknown in (recipient for recipient in value if recipient not in known):
            raise BadCase(f"expect.verdict: {unknown!r} is not in to; expected one of {', '.join(map(str, known))}")
    for verdict in value.values() if isinstance(value, dict) and value else [value]:
        if verdict not in (*VERDICTS, REFUSED):
            raise BadCase(f"expect.verdict: {verdict!r}; expected one of {', '.join((*VERDICTS, REFUSED))}, or a table")


def _pattern(key: str, value: object) -> None:
    try:
        re.compile(_text(f"expect.{key}", value))
    except re.error as error:
        raise BadCase(f"expect.{key}: {value!r}: {error}; expected a pattern") from None


def _text(key: str, value: object) -> str:
    if not isinstance(value, str):
        raise BadCase(f"{key}: {value!r}; expected text")
    return value


def sent(path: Path, told: Mapping[str, Any]) -> Sent:
    """Make the message of a case."""
    to = told.get("to", [])
    if not isinstance(to, list) or not to or not all(isinstance(item, str) for item in to):
        raise BadCase("to: expected a list of one or more addresses")
    try:
        client = ip_address(told.get("client", "192.0.2.1"))
    except ValueError:
        raise BadCase(f"client: {told['client']!r}; expected an address") from None
    return Sent(
        _content(path, told),
        told.get("from", ""),
        tuple(to),
        client,
        told.get("client_name", "unknown"),
        told.get("helo", "client.invalid"),
        told.get("listener", ""),
    )


def _content(path: Path, told: Mapping[str, Any]) -> bytes:
    if ("message" in told) == ("content" in told):
        raise BadCase("message: expected either message, a file, or content, a text")
    if "content" in told:
        return wire(told["content"].encode())
    try:
        return wire((path.parent / told["message"]).read_bytes())
    except OSError as error:
        raise BadCase(f"message: {told['message']}: {error.strerror}") from None


def wire(octets: bytes) -> bytes:
    """Give a message as SMTP would carry it: each line end a CRLF, one at the end."""
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", octets)
    return lines if lines.endswith(b"\r\n") else lines + b"\r\n"


def _assumed(configuration: Configuration, told: Mapping[str, Any]) -> dict[str, list[str]]:
    assumed = told.get("assume", {})
    if not isinstance(assumed, dict) or not all(isinstance(reasons, list) for reasons in assumed.values()):
        raise BadCase("assume: expected a table of check = list of reasons")
    checks = configuration.settings.checks
    for name, reasons in assumed.items():
        check = checks.named(name)
        if check is None:
            raise BadCase(f"assume.{name}: no such check; expected one of {', '.join(checks.names())}")
        known = [*reported(name, check.model_dump()), ERROR]
        for unknown in (reason for reason in reasons if reason not in known):
            raise BadCase(f"assume.{name}: {unknown!r} is never reported; expected one of {', '.join(known)}")
    return assumed


def differences(expected: Mapping[str, Any], outcome: Explanation) -> Iterator[str]:
    """Yield what is not as expected; what strangers wrote is escaped, so that it can go to a terminal."""
    verdicts = expected.get("verdict")
    for fate in outcome.fates:
        verdict = REFUSED if outcome.refused or (fate.ended and not fate.policy) else fate.verdict
        wanted = verdicts.get(fate.recipient) if isinstance(verdicts, dict) else verdicts
        if wanted is not None and verdict != wanted:
            yield f"{fate.recipient}: verdict {verdict}; expected {wanted}"
        if expected.get("policy") not in (None, fate.policy):
            yield f"{fate.recipient}: policy {fate.policy or 'none was asked'}; expected {expected['policy']}"
        if "next_hop" in expected and expected["next_hop"] not in fate.next_hops:
            yield f"{fate.recipient}: next hop {', '.join(fate.next_hops) or 'none'}; expected {expected['next_hop']}"
        if "reply" in expected and not re.search(expected["reply"], _reply(outcome, fate)):
            yield f"{fate.recipient}: reply {escape(_reply(outcome, fate)) or 'none'}; expected {expected['reply']}"
        yield from _header(expected, fate, outcome.content.get(fate.policy, b""))


def _reply(outcome: Explanation, fate: Fate) -> str:
    ends = next((step for step in (*fate.steps, *outcome.steps) if step.ends), None)
    if ends is None:
        return ""
    return f"{ends.outcome} {ends.why}" if ends.where == GATE1 else ends.why


def _header(expected: Mapping[str, Any], fate: Fate, content: bytes) -> Iterator[str]:
    lines = [field.raw.decode("utf-8", "replace").removesuffix("\r\n") for field in read_header(content).fields]
    for pattern in expected.get("header", []):
        if not any(re.search(pattern, line) for line in lines):
            yield f"{fate.recipient}: no header field like {pattern}"
    for pattern in expected.get("no_header", []):
        for line in lines:
            if re.search(pattern, line):
                yield f"{fate.recipient}: header field {escape(line)}; expected none like {pattern}"
