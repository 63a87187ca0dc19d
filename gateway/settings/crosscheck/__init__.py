"""
What makes a file invalid although each of its values is fine: one small function per rule, its reason on top.

Each rule names the tables it reads, and is left out while one of them is broken.  A rule that cannot hold for the
tables of today (message sizes, which rendering derives from one key) has no function here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gateway.settings.crosscheck import (
    directory,
    dns,
    domains,
    duplicates,
    findings,
    limits,
    listeners,
    loops,
    mailstore,
    names,
    policies,
    rewriting,
    scanners,
    submission,
    subnet,
    trust,
)
from gateway.settings.crosscheck.rule import Given, Rule
from gateway.settings.hosts import Entry
from gateway.settings.mistakes import Problem
from gateway.settings.models import Settings

RULES: tuple[Rule, ...] = (
    *subnet.RULES,
    *listeners.RULES,
    *submission.RULES,
    *trust.RULES,
    *names.RULES,
    *domains.RULES,
    *directory.RULES,
    *policies.RULES,
    *findings.RULES,
    *scanners.RULES,
    *rewriting.RULES,
    *loops.RULES,
    *limits.RULES,
    *mailstore.RULES,
    *dns.RULES,
    *duplicates.RULES,
)


def run(settings: Settings, hosts: Sequence[Entry], broken: frozenset[str]) -> Iterator[Problem]:
    """
    Apply every rule whose tables are sound.

    Args:
        settings: The file, with stand-ins for broken tables.
        hosts: What bind gets PTR records for, and where each host is given.
        broken: Top-level tables known to have problems.
    """
    given = Given(settings, hosts)
    unsound = {*broken, "gateway.subnet"} if "gateway" in broken else set(broken)
    for rule in RULES:
        if not rule.reads & unsound:
            for problem in rule.check(given):
                unsound.add(".".join(map(str, problem.path)))
                yield problem
