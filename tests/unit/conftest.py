"""Asynchronous tests run on uvloop, as the workers do: its transports refuse what asyncio's let pass."""

import uvloop


def pytest_asyncio_loop_factories():
    """Name the one loop there is."""
    return {"uvloop": uvloop.new_event_loop}
