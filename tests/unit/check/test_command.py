"""What the exit status of a real program means, and what the program is given."""

import asyncio

import pytest

from gateway.check.base import CheckFailed
from gateway.check.command import ATTRIBUTES, PATH, with_crlf, with_lf
from gateway.decide.verdict import decide
from gateway.message.policy import Judgement, Policy
from gateway.message.program import MAX_FRAME, OUTPUT, RESULT, frame, next_frame
from gateway.message.verdict import TEMPFAIL, Action, Finding, Outcome, Report

from ..programs import MAX_OCTETS, Programs
from .asked import CONTENT, message


@pytest.fixture(scope="module")
def programs():
    """Give a runner that the tests of this file share."""
    programs = Programs()
    yield programs
    programs.remove()


async def run(programs, script, mail=None, **options):
    """Run a script on a message; return the report."""
    programs.write("program", script)
    return await programs.check(**options).examine(mail or message())


async def said(programs, script, mail=None):
    """Run a script on a message; return what it wrote to stdout, in its own line ends."""
    report = await run(programs, script, mail, edits=True)
    return report.content.replace(b"\r\n", b"\n")


async def test_status_0_passes(programs):
    """Whatever it writes; only programs that edit are asked for it."""
    assert await run(programs, "cat; echo more") == Report()


@pytest.mark.parametrize(("status", "reason"), [(69, "rejected"), (75, TEMPFAIL)])
async def test_status_of_sysexits_is_a_finding(programs, status, reason):
    """The beginning of what it says on stderr goes to the log."""
    report = await run(programs, f"echo not today >&2; exit {status}", edits=True)
    assert report == Report([Finding("command:program", reason, "not today")])


@pytest.mark.parametrize("inside", [True, False])
async def test_tempfail_defers_whatever_the_policy_says(programs, inside):
    """It is the program's wish, and no finding about the message."""
    report = await run(programs, "exit 75")
    discarding = Judgement(Outcome(Action.DISCARD), {"command:program": Outcome(Action.PASS)})
    policy = Policy("x", outside=discarding, inside=discarding, on_error={"command:program": Action.PASS})
    verdict = decide(report.findings, policy, inside=inside, null_sender=False)
    assert verdict.action is Action.DEFER
    assert verdict.reply.text == b"451 4.7.1 Message content not accepted now"


@pytest.mark.parametrize("status", [1, 2, 64, 65, 70, 71, 73, 74, 77, 78, 99, 111, 126, 127, 128, 255])
async def test_any_other_status_is_a_failure(programs, status):
    """Nothing bounces by accident."""
    ended = f"status {status}$" if status <= 128 else "signal 127$"
    with pytest.raises(CheckFailed, match=f"program (ended with|was ended by) {ended}"):
        await run(programs, f"exit {status}")


@pytest.mark.parametrize("signal", ["KILL", "TERM", "SEGV", "ABRT", "PIPE", "XFSZ", "HUP"])
async def test_signal_is_a_failure(programs, signal):
    """Also those that Python ignores by itself."""
    with pytest.raises(CheckFailed, match=r"program was ended by signal \d+$"):
        await run(programs, f"kill -{signal} $$; sleep 60")


async def test_missing_program_is_a_failure(programs):
    """It may have been there when the settings were checked."""
    with pytest.raises(CheckFailed, match=r"ended with status 127: cannot run .*/nonesuch: No such file or directory"):
        await programs.check("nonesuch").examine(message())


@pytest.mark.parametrize(
    ("text", "mode", "why"),
    [
        ("exit 0", 0o644, "Permission denied"),
        ("#!/no/such/shell\n", 0o755, "No such file or directory"),
        ("#!\n", 0o755, "Exec format error"),
    ],
)
async def test_program_that_cannot_be_run_is_a_failure(programs, text, mode, why):
    """No shell tries its luck with it."""
    programs.write("broken", text, mode)
    with pytest.raises(CheckFailed, match=f"ended with status 12[67]: cannot run .*/broken: {why}"):
        await programs.check("broken").examine(message())


# --- what it gets --------------------------------------------------------------------------------------------------


async def test_program_gets_the_message_with_the_line_ends_of_unix(programs):
    """As from pipe(8), and octet for octet else."""
    content = b"Subject: x\r\n\r\n" + bytes(octet for octet in range(256) if octet not in b"\r\n") + b"\r\n.\r\n\r\n"
    assert await said(programs, "cat", message(content)) == content.replace(b"\r\n", b"\n")
    assert (await run(programs, "cat", message(content), edits=True)).content == content


async def test_program_gets_the_envelope_as_arguments(programs):
    """Each address is one argument, none is an option, and no shell looks at any."""
    paths = (b"-oQ/tmp@example.test", b"$(id)@example.test", b'"a b;c"@example.test', "jürgen@example.test".encode())
    mail = message(sender=b"-f@example.test", recipients=paths)
    told = await said(programs, "printf '<%s>\\n' \"$@\"", mail)
    assert told.splitlines() == [b"<-f>", b"<-f@example.test>", b"<-->", *(b"<%s>" % path for path in paths)]


async def test_null_sender_is_an_empty_argument(programs):
    """As pipe(8) has it with null_sender=."""
    told = await said(programs, "printf '<%s>' \"$@\"", message(sender=b""))
    assert told == b"<-f><><--><bob@example.test>\n"


async def test_a_thousand_recipients_fit(programs):
    """As many as gate 1 puts into one transaction, each as long as may be."""
    paths = tuple(b"r%03d" % number + b"x" * 60 + b"@" + b"d" * 180 + b".test" for number in range(1000))
    assert await said(programs, "printf '%s\\n' \"$@\"", message(recipients=paths)) == b"\n".join(
        [b"-f", b"anna@example.test", b"--", *paths, b""]
    )


async def test_environment_is_what_xforward_told_and_nothing_inherited(programs):
    """Decoded, with a ? for control characters; empty where nothing was told."""
    mail = message(NAME=b"[UNAVAILABLE]", HELO=b"a+0Ab+20c+3D", PORT=b"40000", PROTO=b"ESMTP", SOURCE=b"REMOTE")
    lines = (await said(programs, "exec env", mail)).decode().splitlines()
    told = dict(line.split("=", 1) for line in lines)
    directory = told.pop("HOME")
    assert directory.startswith(str(programs.work))
    assert told == {
        "PATH": PATH,
        "LANG": "C.UTF-8",
        "POLICY": "default",
        "DIRECTION": "outside",
        "TMPDIR": directory,
        "PWD": directory,
        "CLIENT_NAME": "",
        "CLIENT_ADDRESS": "192.0.2.7",
        "CLIENT_PORT": "40000",
        "CLIENT_PROTOCOL": "ESMTP",
        "CLIENT_HELO": "a?b c=",
        "CLIENT_SOURCE": "REMOTE",
        "QUEUE_ID": "4bXyZ",
    }
    assert set(ATTRIBUTES) < set(told)


async def test_program_works_in_an_empty_directory_of_its_own(programs):
    """Which is gone when it has ended, whatever it made there."""
    script = 'pwd; ls -A; mkdir -p a/b && echo x >a/b/c && chmod 0 a/b a && printf "%s" "$TMPDIR"'
    first, second = await said(programs, script), await said(programs, script)
    directory = first.split()[0].decode()
    assert first.split() == [directory.encode()] * 2
    assert second.split()[0].decode() != directory
    await programs.cleared()


# --- what it may write ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "content"),
    [
        ("a\\n\\nb\\n", b"a\r\n\r\nb\r\n"),
        ("a\\r\\n\\r\\nb\\r\\n", b"a\r\n\r\nb\r\n"),
        ("a\\n\\nb", b"a\r\n\r\nb\r\n"),
        ("a\\n\\nb\\rc\\r", b"a\r\n\r\nb c \r\n"),
        ("a\\n\\n.\\n..\\n", b"a\r\n\r\n.\r\n..\r\n"),
        ("a\\n\\n\\r\\r\\n", b"a\r\n\r\n \r\n"),
    ],
)
async def test_output_becomes_the_message(programs, written, content):
    """With CRLF for its line ends, and no lone CR or LF whatever it writes."""
    report = await run(programs, f"printf '{written}'", edits=True)
    assert report == Report(content=content)


@pytest.mark.parametrize("written", ["", "\\n", "\\r\\n  \\n"])
async def test_empty_output_is_a_failure(programs, written):
    """A program that fails in silence must not empty messages."""
    with pytest.raises(CheckFailed, match=r"^program wrote no message$"):
        await run(programs, f"printf '{written}'", edits=True)


async def test_output_counts_only_with_status_0(programs):
    """What a program wrote before it failed is no message."""
    with pytest.raises(CheckFailed, match="ended with status 1"):
        await run(programs, "cat; exit 1", edits=True)


async def test_output_beyond_the_limit_is_a_failure(programs):
    """Ten megabytes, or without an end; the program is not waited for."""
    for script in ("head -c 10000000 /dev/zero", "yes"):
        with pytest.raises(CheckFailed, match=f"^program wrote more than {MAX_OCTETS} octets$"):
            await run(programs, script, edits=True)
    await programs.cleared()


async def test_output_nobody_asked_for_is_thrown_away(programs):
    """However much it is."""
    assert await run(programs, "head -c 10000000 /dev/zero") == Report()


async def test_stderr_is_read_to_its_end_and_kept_in_part(programs):
    """A program that complains a lot does not block."""
    report = await run(programs, "head -c 1000000 /dev/zero | tr '\\0' x >&2; exit 69")
    assert report.findings[0].detail == "x" * 2048


async def test_program_may_leave_the_message_unread(programs):
    """It ends, or closes its stdin, before 20 MB have come: no broken pipe is a failure, and the status counts."""
    mail = message(b"x" * 20_000_000)
    assert await run(programs, "exit 0", mail) == Report()
    assert (await run(programs, "exec <&-; exit 69", mail)).findings[0].reason == "rejected"
    assert await said(programs, "head -c 3", mail) == b"xxx\n"


async def test_large_message_passes_through(programs):
    """In step: neither side waits for the other while its own pipe is full."""
    content = b"x" * 76 + b"\r\n"
    content *= MAX_OCTETS // len(content)
    assert (await run(programs, "cat", message(content), edits=True)).content == content


# --- the runner is not there, or talks nonsense ----------------------------------------------------------------------


async def test_runner_that_is_not_there_is_a_failure(programs, tmp_path):
    """Its container may be down."""
    with pytest.raises(CheckFailed, match=r"^runner: .*No such file or directory"):
        await programs.check(socket=str(tmp_path / "none")).examine(message())


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "runner closed without a result"),
        (frame(RESULT, b'{"status": 0}')[:-1], "runner closed without a result"),
        (frame(RESULT, b"{}"), "no result"),
        (frame(RESULT, b'{"status": true}'), "no result"),
        (frame(RESULT, b'{"status": "0"}'), "no result"),
        (frame(RESULT, b"\xff"), "no result"),
        (frame(b"?"), "frame b'[?]' among the output"),
        (OUTPUT + b"\xff\xff\xff\xff", "frame of 4294967295 octets"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "frame of"),
    ],
)
async def test_runner_that_talks_nonsense_is_a_failure(programs, tmp_path, answer, why):
    """What is not understood has passed nothing."""

    async def serve(reader, writer):
        await next_frame(reader, 1_000_000)
        writer.write(answer)
        await writer.drain()
        writer.close()

    path = str(tmp_path / "socket")
    server = await asyncio.start_unix_server(serve, path)
    with pytest.raises(CheckFailed, match=why):
        await programs.check(socket=path).examine(message(b"x" * 10))
    server.close()


# --- line ends -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", range(-3, 4))
def test_with_lf_is_the_same_wherever_a_slice_ends(cut):
    """Also between CR and LF."""
    content = b"x" * (MAX_FRAME + cut) + b"\r\n\r\ny\r\n"
    pieces = list(with_lf(content))
    assert b"".join(pieces) == content.replace(b"\r\n", b"\n")
    assert all(0 < len(piece) <= MAX_FRAME for piece in pieces)


def test_with_crlf_undoes_with_lf():
    """What a program leaves alone stays as it came."""
    assert with_crlf(b"".join(with_lf(CONTENT))) == CONTENT
