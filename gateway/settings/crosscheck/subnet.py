"""Rules about [gateway] subnet; they come first, since the container addresses are cut out of it."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.settings.crosscheck.ranges import is_private
from gateway.settings.crosscheck.rule import Given, Rule, reads
from gateway.settings.mistakes import Problem
from gateway.settings.topology import MAX_PREFIX, MIN_PREFIX


@reads("gateway")
def subnet_is_private(given: Given) -> Iterator[Problem]:
    """Containers numbered with public addresses would hide the hosts that own them."""
    subnet = given.settings.gateway.subnet
    if not is_private(subnet):
        what = f"{subnet} holds public addresses; expected a part of 198.18.0.0/15, of RFC 1918 or of 100.64.0.0/10"
        yield Problem(("gateway", "subnet"), what)


@reads("gateway")
def subnet_can_be_cut(given: Given) -> Iterator[Problem]:
    """The subnet is cut in eight, and each part holds five fixed addresses beside Docker's own."""
    subnet = given.settings.gateway.subnet
    if not MIN_PREFIX <= subnet.prefixlen <= MAX_PREFIX:
        what = f"/{subnet.prefixlen} cannot be cut into the container networks; expected /{MIN_PREFIX} to /{MAX_PREFIX}"
        yield Problem(("gateway", "subnet"), what)


RULES: tuple[Rule, ...] = (subnet_is_private, subnet_can_be_cut)
