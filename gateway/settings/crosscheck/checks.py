"""Rules about [checks.*]: what a check needs can be had where it runs."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.settings.crosscheck.rule import Given, Rule, reads
from gateway.settings.grammar import ip_address
from gateway.settings.mistakes import Path, Problem, shown

_OF_OUR_OWN = frozenset({"error", "tempfail"})  # message.verdict.ERROR and TEMPFAIL


@reads("checks", "gateway", "gateway.subnet", "listen")
def scanner_is_within_reach(given: Given) -> Iterator[Problem]:
    """The filter has no route out: what it asks has to be attached to the network `scanners`."""
    reachable = given.topology.dynamic_range("scanners")
    for name in ("clamav", "rspamd"):
        address = getattr(given.settings.checks, name).address
        if address is None:
            continue
        try:
            host = ip_address(address.rpartition(":")[0].strip("[]"))
        except ValueError:
            continue  # a name: the alias of a container
        if host not in reachable:
            what = f"{shown(address)} is out of the filter's reach; expected a container on the network scanners"
            yield Problem(("checks", name, "address"), f"{what}, by its alias or an address of {reachable}")


@reads("checks")
def pattern_name_is_free(given: Given) -> Iterator[Problem]:
    """A finding of this name means that the check could not do its work, or that a message shall come again."""
    checks = given.settings.checks
    for kind in ("headers", "body"):
        for number, pattern in enumerate(getattr(checks, kind).patterns):
            if pattern.name in _OF_OUR_OWN:
                yield _taken(("checks", kind, "patterns", number, "name"), pattern.name)
    for group in checks.attachments.groups:
        if group in _OF_OUR_OWN:
            yield _taken(("checks", "attachments", "groups", group), group)


def _taken(path: Path, name: str) -> Problem:
    return Problem(path, f'"{name}" has a meaning of its own for every check; expected another name')


@reads("checks")
def spam_is_worse_than_probable(given: Given) -> Iterator[Problem]:
    """With the scores the wrong way round nothing would be probable."""
    rspamd = given.settings.checks.rspamd
    if rspamd.reject_score < rspamd.spam_score:
        what = f"{rspamd.reject_score:g} is below spam_score ({rspamd.spam_score:g}); expected more"
        yield Problem(("checks", "rspamd", "reject_score"), what)


RULES: tuple[Rule, ...] = (scanner_is_within_reach, pattern_name_is_free, spam_is_worse_than_probable)
