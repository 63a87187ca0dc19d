"""
A client for tests that sends many messages at once, or one whose octets matter.

    sender.py < JSON

The JSON has server ("address:port"), parallel (sessions at once), pause_s (after each message, seconds), and messages:
each with sender, recipients, options (of MAIL) and content (base64).  For each message a line of JSON comes out as soon
as it was answered: its number, and code and text of the last reply; code 0 where the connection failed.  Only the
standard library: it runs in the tools image.
"""

from __future__ import annotations

import base64
import json
import smtplib
import sys
import time
from concurrent.futures import ThreadPoolExecutor


def send(server: str, message: dict) -> tuple[int, str]:
    """Send a message on a connection of its own; return the last reply."""
    host, _, port = server.rpartition(":")
    try:
        with smtplib.SMTP(host, int(port), "client.example", timeout=60) as client:
            client.ehlo()
            code, text = client.mail(message["sender"], message["options"])
            for recipient in message["recipients"] if code == 250 else ():
                code, text = client.rcpt(recipient)
            if code in (250, 251):
                code, text = client.data(base64.b64decode(message["content"]))
    except (OSError, smtplib.SMTPException) as error:
        return 0, str(error)
    return code, text.decode("utf-8", "replace")


def main() -> None:
    """Send them all."""
    task = json.load(sys.stdin)

    def answer(numbered: tuple[int, dict]) -> None:
        number, message = numbered
        code, text = send(task["server"], message)
        time.sleep(task["pause_s"])
        print(json.dumps({"number": number, "code": code, "text": text}), flush=True)

    with ThreadPoolExecutor(task["parallel"]) as pool:
        list(pool.map(answer, enumerate(task["messages"])))


if __name__ == "__main__":
    main()
