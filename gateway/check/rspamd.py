"""
rspamd: a score for how much a message is like spam, as rspamd reckons it.

Findings: `spam` from reject_score on, or where rspamd would reject or discard; `probable` from spam_score on, or where
it would mark or hold.  The detail is the score and the heaviest symbols.

The whole message goes to /checkv2 of rspamd's normal worker over a connection of its own, for one that was kept might
be closed at the other end just then; nothing is tried twice.  An answer that is not as documented is a failure, and so
is the wish to try again later ("soft reject"), which rspamd also has when it ran out of time.

Source: docs.rspamd.com/developers/protocol.
"""

import json
import math
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from gateway.check.base import CONNECT_S, CheckFailed
from gateway.message.content import MAX_CHUNK
from gateway.message.edit import Splice
from gateway.message.header import Buffer, every
from gateway.message.mail import MailObject
from gateway.message.verdict import Finding, Report

if TYPE_CHECKING:
    import httpx

MAX_ANSWER = 1_048_576  # octets
SHOWN_SYMBOLS = 5
Reason = Literal["probable", "spam"]  # symbols are the detail of a finding
# What rspamd would do, and what that is to us.
ACTIONS: dict[str, Reason | Literal[""]] = {
    "no action": "",
    "greylist": "",
    "add header": "probable",
    "rewrite subject": "probable",
    "quarantine": "probable",
    "reject": "spam",
    "discard": "spam",
}
_FIELDS = (b"X-Spam-Score", b"X-Spam-Status")
# Control characters end header fields: each becomes a "?".
_PRINTABLE = bytes(octet if 0x20 <= octet != 0x7F else ord("?") for octet in range(256))


@dataclass(frozen=True, slots=True)
class Options:
    """What the settings say."""

    address: str  # host:port of rspamd's normal worker
    spam_score: float
    reject_score: float
    add_fields: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What rspamd says, as far as we use it."""

    score: float
    action: str  # one of ACTIONS
    symbols: tuple[tuple[str, float], ...]  # name and score, the heaviest first


class Rspamd:
    """Ask rspamd."""

    def __init__(self, name: str, options: Options) -> None:
        self._name = name
        self._options = options
        self._client: httpx.AsyncClient | None = None

    async def examine(self, mail: MailObject) -> Report:
        """
        Report what rspamd says.

        Raises:
            CheckFailed: it cannot be reached, or answers anything but a result.
        """
        answer = read_answer(await self._ask(mail))
        reason = self._reason(answer)
        shown = " ".join(f"{name}({score:.2f})" for name, score in answer.symbols[:SHOWN_SYMBOLS])
        findings = [Finding(self._name, reason, f"{answer.score:.2f} {shown}".rstrip())] if reason else []
        return Report(findings, self._splices(mail, answer, reason) if self._options.add_fields else ())

    def _reason(self, answer: Answer) -> Reason | Literal[""]:
        action = ACTIONS[answer.action]
        if answer.score >= self._options.reject_score or action == "spam":
            return "spam"
        return "probable" if answer.score >= self._options.spam_score or action else ""

    def _splices(self, mail: MailObject, answer: Answer, reason: str) -> list[Splice]:
        """Put the score behind the header section's last field; copies that came are not ours, and go."""
        came = (field for name in _FIELDS for field in every(mail.content, mail.header, name))
        splices = [Splice(field.start, field.stop, b"") for field in came]
        status = f"{'Yes' if reason else 'No'}, score={answer.score:.2f} required={self._options.spam_score:.2f}"
        fields = f"X-Spam-Score: {answer.score:.2f}\r\nX-Spam-Status: {status}\r\n"
        return [*splices, Splice(mail.header.stop, mail.header.stop, fields.encode("ascii"))]

    async def _ask(self, mail: MailObject) -> bytes:
        import httpx  # here, for it takes long to load, and most sites do not ask

        if self._client is None:
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
            self._client = httpx.AsyncClient(
                trust_env=False,
                follow_redirects=False,
                timeout=httpx.Timeout(None, connect=CONNECT_S),  # the check's own time-out cuts all of it
                limits=limits,
            )
        url = f"http://{self._options.address}/checkv2"
        try:
            async with self._client.stream(
                "POST", url, headers=request_fields(mail), content=_slices(mail.content)
            ) as response:
                if response.status_code != 200:
                    raise CheckFailed(f"rspamd answered {response.status_code}")
                return await _bounded(response.aiter_raw())
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise CheckFailed(f"rspamd: {type(error).__name__}: {error}") from None


def request_fields(mail: MailObject) -> list[tuple[bytes, bytes]]:
    """Give the header fields of the request: the envelope and the client, as octets without control characters."""
    client = mail.client
    told = {"IP": "ADDR", "Helo": "HELO", "Hostname": "NAME", "Queue-Id": "IDENT"}
    values = [("From", mail.envelope.reverse_path.path)]
    values += [("Rcpt", recipient.path) for recipient in mail.envelope.recipients]
    values += [(name, client.told(attribute).encode("latin-1")) for name, attribute in told.items()]
    fields = {
        "Content-Length": str(len(mail.content)),
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    return [(name.encode("ascii"), value.encode("ascii")) for name, value in fields.items()] + [
        (name.encode("ascii"), clean)
        for name, value in values
        if (clean := value.removeprefix(b"IPv6:").translate(_PRINTABLE).strip())
    ]


def read_answer(octets: bytes) -> Answer:
    """
    Read the answer to /checkv2.

    Raises:
        CheckFailed: it is not as documented, or is no result.
    """
    try:
        answer = json.loads(octets)
        symbols = {name: _number(symbol["score"]) for name, symbol in answer["symbols"].items()}
        score, action = _number(answer["score"]), answer["action"]
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError, RecursionError) as error:
        raise CheckFailed(f"rspamd's answer is none: {type(error).__name__} {error}") from None
    if action == "soft reject":
        raise CheckFailed("rspamd wants the message to come again later")
    if not isinstance(action, str) or action not in ACTIONS:
        raise CheckFailed(f"rspamd would do {action!r:.100}")
    heaviest = sorted(symbols.items(), key=lambda symbol: (-abs(symbol[1]), symbol[0]))
    return Answer(score, action, tuple(heaviest))


def _number(value: Any) -> float:  # noqa: ANN401 - whatever JSON holds there
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise ValueError(f"no number: {value!r:.100}")
    return float(value)


async def _slices(content: Buffer) -> AsyncIterator[bytes]:
    for start in range(0, len(content), MAX_CHUNK):
        yield content[start : start + MAX_CHUNK]


async def _bounded(octets: AsyncIterator[bytes]) -> bytes:
    answer = b""
    async for piece in octets:
        answer += piece
        if len(answer) > MAX_ANSWER:
            raise CheckFailed(f"rspamd's answer is longer than {MAX_ANSWER} octets")
    return answer
