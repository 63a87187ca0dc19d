"""
A client for tests that sends many messages at once, or one whose octets matter.

    sender.py < JSON

The JSON has server ("address:port"), parallel (sessions at once), pause_s (after each message, seconds), and messages:
each with sender, recipients, options (of MAIL) and content (base64), which is sent if one recipient or more is taken.
For each message a line of JSON comes out as soon as it was answered: its number, code and text of the last reply, and
those to each recipient; code 0 where the connection failed.  Only the standard library: it runs in the tools image.
"""

from __future__ import annotations

import base64
import json
import smtplib
import sys
import time
from concurrent.futures import ThreadPoolExecutor


def send(server: str, message: dict) -> dict:
    """Send a message on a connection of its own; return the last reply, and those to its recipients."""
    host, _, port = server.rpartition(":")
    try:
        with smtplib.SMTP(host, int(port), "client.example", timeout=60) as client:
            client.ehlo()
            code, text = client.mail(message["sender"], message["options"])
            replies = [client.rcpt(recipient) for recipient in message["recipients"]] if code == 250 else []
            for code, text in replies:
                if code in (250, 251):
                    code, text = client.data(base64.b64decode(message["content"]))
                    break
    except smtplib.SMTPDataError as error:  # what DATA itself was answered
        code, text = error.smtp_code, error.smtp_error
    except (OSError, smtplib.SMTPException) as error:
        return {"code": 0, "text": str(error), "rcpt": []}
    rcpt = [f"{code} {text.decode('utf-8', 'replace')}" for code, text in replies]
    return {"code": code, "text": text.decode("utf-8", "replace"), "rcpt": rcpt}


def main() -> None:
    """Send them all."""
    task = json.load(sys.stdin)

    def answer(numbered: tuple[int, dict]) -> None:
        number, message = numbered
        outcome = send(task["server"], message)
        time.sleep(task["pause_s"])
        print(json.dumps({"number": number} | outcome), flush=True)

    with ThreadPoolExecutor(task["parallel"]) as pool:
        list(pool.map(answer, enumerate(task["messages"])))


if __name__ == "__main__":
    main()
