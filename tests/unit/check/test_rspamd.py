"""What rspamd is sent, and what is made of its answers."""

import asyncio
import gzip
import json

import pytest

from gateway.check.base import CheckFailed
from gateway.check.registry import make
from gateway.check.rspamd import ACTIONS, MAX_ANSWER, Options, Rspamd
from gateway.check.run import run
from gateway.message.edit import apply
from gateway.message.header import MAX_FIELDS
from gateway.message.verdict import ERROR, Finding

from .asked import CONTENT, closed_port, message, peer

SYMBOLS = {"A": 0.5, "B": -3.25, "C": 0.0, "D": 8.0, "E": 0.1, "F": 2.0}


def result(score=0.0, action="no action", symbols=None, **other):
    """Return an answer to /checkv2."""
    told = {name: {"name": name, "score": value, "options": ["x"]} for name, value in (symbols or {}).items()}
    return json.dumps({"is_skipped": False, "score": score, "action": action, "symbols": told, **other}).encode()


class Server:
    """An HTTP server that gives one answer to everything."""

    def __init__(self, body=None, status="200 OK", head=""):
        self.body = result() if body is None else body
        self.head = f"HTTP/1.1 {status}\r\n{head}Content-Length: {len(self.body)}\r\n\r\n".encode()
        self.requests = []  # request line, fields in lower case, content

    async def __call__(self, reader, writer):
        """Serve one request on one connection."""
        lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        fields = [tuple(line.split(b": ", 1)) for line in lines[1:-2]]
        fields = [(name.lower().decode(), value) for name, value in fields]
        content = await reader.readexactly(int(dict(fields)["content-length"]))
        self.requests.append((lines[0].decode(), fields, content))
        writer.write(self.head + self.body)
        await writer.drain()


async def examine(server, mail=None, **options):
    """Let a server look at a message; return the report."""
    async with peer(server) as address:
        told = {"spam_score": 6.0, "reject_score": 15.0} | options
        return await Rspamd("rspamd", Options(address, **told)).examine(mail or message())


async def test_request_has_the_message_the_envelope_and_the_client():
    """As the protocol's page says, each recipient in a field of its own."""
    server = Server()
    mail = message(recipients=(b"bob@example.test", b"carl@example.test"))
    assert not (await examine(server, mail)).findings
    ((line, fields, content),) = server.requests
    assert line == "POST /checkv2 HTTP/1.1"
    assert content == CONTENT
    told = [field for field in fields if field[0] not in ("host", "accept", "user-agent")]
    assert told == [
        ("content-length", b"%d" % len(CONTENT)),
        ("accept-encoding", b"identity"),
        ("connection", b"close"),
        ("from", b"anna@example.test"),
        ("rcpt", b"bob@example.test"),
        ("rcpt", b"carl@example.test"),
        ("ip", b"192.0.2.7"),
        ("helo", b"helo.client.example"),
        ("hostname", b"mail.client.example"),
        ("queue-id", b"4bXyZ"),
    ]


async def test_request_fields_cannot_be_forged():
    """What the client said of itself has no line ends left; what was not told, or is the null sender, is left out."""
    server = Server()
    mail = message(
        sender=b"", HELO=b"a+0D+0AIP: 10.0.0.1", NAME=b"[UNAVAILABLE]", ADDR=b"IPv6:2001:db8::7", IDENT=b"+00+7F"
    )  # fmt: skip
    await examine(server, mail)
    fields = dict(server.requests[0][1])
    assert fields["helo"] == b"a??IP: 10.0.0.1"
    assert fields["ip"] == b"2001:db8::7"
    assert fields["queue-id"] == b"??"
    assert "hostname" not in fields and "from" not in fields


@pytest.mark.parametrize("size", [0, 1, 65_536, 5_000_000])
async def test_content_goes_whole(size):
    """Whatever its size."""
    server = Server()
    content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    await examine(server, message(content))
    assert server.requests[0][2] == content


@pytest.mark.parametrize(
    ("score", "action", "reason"),
    [
        (0.0, "no action", ""),
        (-5, "no action", ""),
        (5.99, "greylist", ""),
        (6.0, "no action", "probable"),
        (14.99, "add header", "probable"),
        (15, "no action", "spam"),
        (1000.0, "add header", "spam"),
        (0.0, "reject", "spam"),
        (0.0, "discard", "spam"),
        (0.0, "add header", "probable"),
        (0.0, "rewrite subject", "probable"),
        (0.0, "quarantine", "probable"),
    ],
)
async def test_finding_is_the_worse_of_score_and_action(score, action, reason):
    """The thresholds are ours; what rspamd would do on its own counts too."""
    found = (await examine(Server(result(score, action)))).findings
    assert [finding.reason for finding in found] == ([reason] if reason else [])
    assert set(ACTIONS) >= {action}


async def test_detail_is_the_score_and_the_heaviest_symbols():
    """Five of them, by weight, whichever way it pulls."""
    found = (await examine(Server(result(7.35, symbols=SYMBOLS)))).findings
    assert found == [Finding("rspamd", "probable", "7.35 D(8.00) B(-3.25) F(2.00) A(0.50) E(0.10)")]


@pytest.mark.parametrize(("score", "status"), [(1.5, "No"), (6.5, "Yes")])
async def test_fields_are_added_and_copies_removed(score, status):
    """A filter behind this one takes them for ours."""
    content = b"X-SPAM-score: -100\r\nSubject: x\r\nX-Spam-Status: No,\r\n\tnever\r\n\r\nX-Spam-Score: in the body\r\n"
    report = await examine(Server(result(score)), message(content), add_fields=True)
    assert b"".join(apply(content, report.splices)) == (
        b"Subject: x\r\n"
        b"X-Spam-Score: %.2f\r\n"
        b"X-Spam-Status: %s, score=%.2f required=6.00\r\n"
        b"\r\n"
        b"X-Spam-Score: in the body\r\n" % (score, status.encode(), score)
    )
    assert (await examine(Server(result(score)), message(content))).splices == ()
    behind = b"X: y\r\n" * MAX_FIELDS + b"X-Spam-Status: No\r\nX-Spam-Score: -100\r\n\r\n"
    report = await examine(Server(result(score)), message(behind), add_fields=True)
    assert b"No\r\nX-Spam-Score: -100" not in b"".join(apply(behind, report.splices))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"OK",
        b"[]",
        b"null",
        b"{}",
        b"[" * 100_000,
        b"\xff",
        result(action="soft reject"),
        result(action="accept"),
        result(action=7),
        result(action=None),
        result(action=["reject"]),
        result(score="1"),
        result(score=True),
        result(score=None),
        result(score=float("nan")),
        result(score=float("inf")),
        result(score=10**400),
        result(symbols={"A": "x"}),
        result(symbols={"A": None}),
        result().replace(b'"symbols": {}', b'"symbols": []'),
        result().replace(b'"symbols": {}', b'"symbols": {"A": 1}'),
        result(error="too busy").replace(b'"score": 0.0, ', b""),
        result() + b"x",
        result() + b" " * MAX_ANSWER,
    ],
)
async def test_answer_that_is_not_as_documented_is_a_failure(body):
    """A scanner that is not understood has not said that the message is clean."""
    with pytest.raises(CheckFailed, match="rspamd"):
        await examine(Server(body))


@pytest.mark.parametrize(
    "status", ["201 Created", "204 No Content", "302 Found", "400 Bad Request", "404 Not Found", "500 x", "503 x"]
)
async def test_any_other_status_is_a_failure(status):
    """A redirect is not followed: it would be to somewhere else."""
    server = Server(status=status, head="Location: http://127.0.0.1:1/\r\n")
    with pytest.raises(CheckFailed, match=f"^rspamd answered {status[:3]}$"):
        await examine(server)
    assert len(server.requests) == 1


async def test_compressed_answer_is_a_failure():
    """It was not asked for, and might unfold to anything."""
    with pytest.raises(CheckFailed, match="rspamd's answer is none"):
        await examine(Server(gzip.compress(result()), head="Content-Encoding: gzip\r\n"))


async def test_server_that_closes_or_talks_nonsense_is_a_failure():
    """At any place."""

    def say(octets):
        async def answer(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(octets)

        return answer

    answer = Server().head + result()
    for octets in (b"", b"HTTP/1.1 200", answer[:-1], b"220 mx ESMTP\r\n", b"\0" * 1000, b"x" * 200_000):
        with pytest.raises(CheckFailed, match=r"^rspamd: \w+: "):
            await examine(say(octets), message(b"x" * 500_000))


async def test_server_that_is_not_there_is_a_failure():
    """Its container may be down; the check works again when it is back."""
    address = await closed_port()
    check = Rspamd("rspamd", Options(address, 6.0, 15.0))
    with pytest.raises(CheckFailed, match="rspamd: ConnectError"):
        await check.examine(message())


async def test_proxy_of_the_environment_is_not_asked(monkeypatch):
    """Nobody else gets to see the message."""
    monkeypatch.setenv("HTTP_PROXY", f"http://{await closed_port()}")
    monkeypatch.setenv("ALL_PROXY", f"http://{await closed_port()}")
    assert not (await examine(Server())).findings


async def test_server_that_hangs_is_cut_off_by_the_time_limit():
    """The check fails in its time."""
    let_go = asyncio.Event()

    async def hang(reader, writer):
        await let_go.wait()

    async with peer(hang) as address:
        table = {"timeout_s": 0.3, "address": address, "spam_score": 6.0, "reject_score": 15.0}
        _, reports = await run([make("rspamd", table)], message(b"x" * 5_000_000))
        let_go.set()
    assert reports[0].findings == [Finding("rspamd", ERROR, "no result in 0.3 s")]


async def test_messages_side_by_side_have_answers_of_their_own():
    """Many at once, none waits for another."""
    waiting = asyncio.Event()
    here = []

    async def answer(reader, writer):
        fields = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        number = int(next(line for line in fields if line.lower().startswith(b"from: ")).split()[1])
        here.append(number)
        if len(here) == 200:
            waiting.set()
        await waiting.wait()
        writer.write(Server(result(float(number))).head + result(float(number)))

    async with peer(answer) as address:
        check = Rspamd("rspamd", Options(address, 0.0, 1000.0))
        mails = [message(sender=b"%d" % number) for number in range(200)]
        reports = await asyncio.gather(*(check.examine(mail) for mail in mails))
    assert [report.findings[0].detail for report in reports] == [f"{number}.00" for number in range(200)]
