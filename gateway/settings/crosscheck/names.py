"""Rules about what the two gates are called."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.settings.crosscheck.rule import Given, Rule, reads
from gateway.settings.grammar import MAX_NAME_OCTETS
from gateway.settings.mistakes import Problem

_PREFIX = "out."  # of gate 2's name, unless that is set


@reads("gateway")
def gates_have_two_names(given: Given) -> Iterator[Problem]:
    """Postfix takes a server that greets with its own name for itself: mail loops back to myself."""
    gateway = given.settings.gateway
    if gateway.outbound_hostname == gateway.hostname:
        what = "the name of gate 1 too; expected another, since the gates would take each other for themselves"
        yield Problem(("gateway", "outbound_hostname"), what, ("gateway", "hostname"))


@reads("gateway")
def derived_name_fits(given: Given) -> Iterator[Problem]:
    """Gate 2 gets a prefix to the name of gate 1, which may be too much."""
    gateway = given.settings.gateway
    if gateway.outbound_hostname is None and len(_PREFIX + gateway.hostname) > MAX_NAME_OCTETS:
        what = f'too long to put "{_PREFIX}" before it for gate 2; expected outbound_hostname beside it'
        yield Problem(("gateway", "hostname"), what)


@reads("gateway", "domains")
def own_names_are_no_domains(given: Given) -> Iterator[Problem]:
    """Gate 2 takes mail for both names by itself, for the postmaster only; a domain would be listed twice there."""
    gateway = given.settings.gateway
    outbound = gateway.outbound_hostname or _PREFIX + gateway.hostname
    for name, key in {outbound: "outbound_hostname", gateway.hostname: "hostname"}.items():
        if name in given.settings.domains:
            what = f"is the name of a gate (gateway.{key}), whose mail goes to the postmaster; expected another domain"
            yield Problem(("domains", name), what)


RULES: tuple[Rule, ...] = (gates_have_two_names, derived_name_fits, own_names_are_no_domains)
