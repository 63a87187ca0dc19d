"""
What the filter's tests share: a settings file, a gate 2, the lines of transactions, and the loop.

Asynchronous tests run on uvloop, as the workers do: its transports refuse what asyncio's let pass.
Hypothesis has no deadlines: on a busy machine any example may take any time.
"""

import logging

import pytest
import uvloop
from hypothesis import settings

from .sink import Sink

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

SETTINGS = """\
next_hops = ["127.0.0.1:{port}"]
helo_name = "filter.mx.example.test"
max_transactions = 5
max_message_octets = 52428800
max_recipients = 1000
command_timeout_s = 300
data_timeout_s = 180
connect_timeout_s = 10
reply_timeout_s = 300
commit_timeout_s = 540
transaction_timeout_s = 1080
drain_timeout_s = 50
log_format = "human"
log_level = "info"
xforward_peers = ["127.0.0.1"]
inside = ["192.0.2.0/24"]
quarantine = "/nonexistent"
quarantine_max_octets = 2147483648
quarantine_retention_s = 2592000
[doors]
[checks.gtube]
timeout_s = 20
[policies.default]
checks = []
[policies.strict]
checks = ["gtube"]
"""


def pytest_asyncio_loop_factories():
    """Name the one loop there is."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
def settings(tmp_path):
    """Give a function that writes the settings file and gives its path."""
    path = tmp_path / "filter.toml"

    def write(port=10026, **replaced):
        text = SETTINGS.format(port=port)
        for line in text.splitlines():
            key = line.partition(" =")[0]
            if key in replaced:
                text = text.replace(line, f"{key} = {replaced[key]}")
        path.write_text(text)
        return path

    return write


@pytest.fixture
async def sink():
    """Give a gate 2."""
    async with Sink() as running:
        yield running


@pytest.fixture
def lines(caplog):
    """Give the fields of the transactions' lines written so far."""
    caplog.set_level(logging.INFO)
    return lambda: [record.fields for record in caplog.records if record.message == "transaction"]
