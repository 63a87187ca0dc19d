"""Rules about checks that ask others: what they ask is within reach, and what it answers is not mistaken."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.message.verdict import ERROR, TEMPFAIL
from gateway.settings.crosscheck.rule import Given, Rule, reads
from gateway.settings.grammar import ip_address
from gateway.settings.mistakes import Path, Problem, shown

_KEPT = {
    ERROR: "for checks that cannot do their work",
    TEMPFAIL: "for programs that want the message again",
}


@reads("checks", "gateway", "gateway.subnet", "listen", "mailstore")
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
def reasons_of_our_own_are_kept(given: Given) -> Iterator[Problem]:
    """What a policy says of findings with these names does not count."""
    checks = given.settings.checks
    names: list[tuple[Path, str]] = [
        (("checks", "attachments", "groups", name), name) for name in checks.attachments.groups
    ]
    for kind in ("headers", "body"):
        patterns = enumerate(getattr(checks, kind).patterns)
        names += [(("checks", kind, "patterns", number, "name"), pattern.name) for number, pattern in patterns]
    for path, name in names:
        if name in _KEPT:
            yield Problem(path, f'"{name}" is kept {_KEPT[name]}; expected another name')


@reads("checks")
def spam_is_worse_than_probable(given: Given) -> Iterator[Problem]:
    """With the scores the wrong way round nothing would be probable."""
    rspamd = given.settings.checks.rspamd
    if rspamd.reject_score < rspamd.spam_score:
        what = f"{rspamd.reject_score:g} is below spam_score ({rspamd.spam_score:g}); expected more"
        yield Problem(("checks", "rspamd", "reject_score"), what)


RULES: tuple[Rule, ...] = (scanner_is_within_reach, reasons_of_our_own_are_kept, spam_is_worse_than_probable)
