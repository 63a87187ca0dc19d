"""tests/bench/slow.py: a scanner that takes the same time however many messages there are."""

import asyncio
import time

from gateway.check.clamav import Clamav, Options
from gateway.message.envelope import Client, Envelope, ReversePath
from gateway.message.mail import MailObject
from tests.bench.slow import Scanner

SCAN_S = 0.2


async def test_scanner_takes_its_time_once_for_many_messages(capsys):
    """Twenty at once take no twenty times as long, and the check understands what it says."""
    async with await asyncio.start_server(Scanner(SCAN_S).scan, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        check = Clamav("clamav", Options(f"127.0.0.1:{port}"))
        mail = MailObject(Envelope(ReversePath(b"a@x.test")), Client(), b"Subject: x\r\n\r\n" + b"x" * 5000)
        begin = time.monotonic()
        reports = await asyncio.gather(*(check.examine(mail) for _ in range(20)))
        took = time.monotonic() - begin
    assert [list(report.findings) for report in reports] == [[]] * 20
    assert SCAN_S <= took < 20 * SCAN_S
    assert capsys.readouterr().out.splitlines()[-1] == "most 20"
