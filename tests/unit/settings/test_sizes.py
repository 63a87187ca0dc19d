"""What the filter needs: slots, room for messages, memory."""

from __future__ import annotations

import pytest

from gateway.settings.models import Filter
from gateway.settings.sizes import memory, slots, spool, worker_transactions
from tests.configurations import configure, minimal

MIB = 2**20
SEARCHED = '[policies.default]\nchecks = ["gtube"]\n'


@pytest.mark.parametrize(
    ("workers", "most", "share", "all_slots"), [(2, 10, 5, 10), (3, 10, 3, 9), (1, 1, 1, 1), (64, 500, 7, 448)]
)
def test_slots_are_whole_shares(tmp_path, workers, most, share, all_slots):
    """Gate 1 must not have more transactions under way than the workers take."""
    settings = configure(tmp_path, minimal()).settings
    settings = settings.model_copy(update={"filter": Filter(workers=workers, max_transactions=most)})
    assert worker_transactions(settings) == share
    assert slots(settings) == all_slots


@pytest.mark.parametrize(
    ("extra", "limit", "mib"),
    [
        ("", "2GiB", 512),  # nobody looks into messages, so nothing is kept
        (SEARCHED, "50MiB", 512),  # 10 of 51
        (SEARCHED, "51MiB", 520),
        (SEARCHED, "64KiB", 512),
        (SEARCHED + "[filter]\nworkers = 3\nmax_transactions = 20\n", "50MiB", 18 * 51),  # whole shares
        (SEARCHED, "60000001B", 10 * 60000001 // MIB + 11),  # rounded up
    ],
)
def test_spool_holds_the_largest_message_in_every_slot(tmp_path, extra, limit, mib):
    """Beyond that a message is deferred, so it must never be less."""
    text = minimal(extra, gateway=f'message_size_limit = "{limit}"')
    assert spool(configure(tmp_path, text).settings) == mib * MIB


@pytest.mark.parametrize(("workers", "mib"), [(1, 1024), (2, 1024), (3, 512 + 640), (8, 512 + 1280)])
def test_memory_counts_the_spool_and_each_worker(tmp_path, workers, mib):
    """With the default file it is what compose.yaml says, 1 GiB, and never less."""
    text = minimal(SEARCHED + f"[filter]\nworkers = {workers}\n")
    assert memory(configure(tmp_path, text).settings) == mib * MIB
