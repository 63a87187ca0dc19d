"""
Dialogues that swaks can't hold: octets as they are, many sessions at once.

A step of a dialogue is text, a command line that is sent and answered; octets, which are sent without waiting; WAIT
for one reply; LULL, after which what follows is read apart from what was sent; TLS, which begins it, whatever
certificate is shown; FIN, which closes our half of the connection; or RESET, which breaks it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from enum import Enum

from tests.stack.client import ROOT, Client, run


class Special(Enum):
    """Steps that send nothing."""

    WAIT = "wait"
    FIN = "fin"
    LULL = "lull"
    RESET = "reset"
    TLS = "tls"


WAIT, FIN, LULL, RESET, TLS = Special

type Step = str | bytes | Special
type Dialogue = Sequence[Step]


def talk(
    client: Client, server: str, dialogues: Sequence[Dialogue], *, parallel: int = 10, tls: bool = False
) -> list[list[str]]:
    """
    Hold dialogues from a client's container, each on a connection of its own (talker.py).

    Args:
        client: Where from.
        server: address:port.
        dialogues: The steps of each.
        parallel: Sessions at once.
        tls: TLS from the first octet, whatever certificate is shown.

    Returns:
        The replies of each, the greeting first, with "closed" or the error that ended it at the end.
    """
    told = [[_told(step) for step in dialogue] for dialogue in dialogues]
    task = json.dumps({"server": server, "parallel": parallel, "tls": tls, "dialogues": told})
    script = (ROOT / "tests/stack/talker.py").read_text()
    done = run("docker", "exec", "-i", client.name, "python3", "-c", script, stdin=task)
    return [json.loads(line) for line in done.stdout.splitlines()]


def _told(step: Step) -> dict[str, object]:
    if isinstance(step, Special):
        return {step.value: True}
    if isinstance(step, str):
        return {"line": step}
    return {"octets": base64.b64encode(step).decode()}
