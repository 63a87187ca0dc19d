"""Rules about what the two gates are called."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.settings.crosscheck.rule import Given, Rule, reads
from gateway.settings.grammar import MAX_NAME_OCTETS
from gateway.settings.mistakes import Problem

_PREFIX = "out."  # of gate 2's name, unless that is set
_LONGEST = MAX_NAME_OCTETS - len("postmaster.")  # octets; that name is the contact in each zone's SOA record


@reads("gateway")
def gates_have_two_names(given: Given) -> Iterator[Problem]:
    """Postfix takes a server that greets with its own name for itself: mail loops back to myself."""
    gateway = given.settings.gateway
    if gateway.outbound_hostname == gateway.hostname:
        what = "the name of gate 1 too; expected another, since the gates would take each other for themselves"
        yield Problem(("gateway", "outbound_hostname"), what, ("gateway", "hostname"))


@reads("gateway")
def derived_names_fit(given: Given) -> Iterator[Problem]:
    """Gate 2, the filter and the zones' contact are named after gate 1, with a prefix: that may be too much."""
    octets = len(given.settings.gateway.hostname)
    if octets > _LONGEST:
        what = f"{octets} octets long; expected at most {_LONGEST}, since other names are made by a prefix to it"
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


RULES: tuple[Rule, ...] = (gates_have_two_names, derived_names_fit, own_names_are_no_domains)
