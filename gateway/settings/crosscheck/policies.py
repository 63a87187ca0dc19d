"""Rules about policies: every name that one table uses is defined in another."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.settings.crosscheck.rule import Given, Rule, no_such, reads
from gateway.settings.mistakes import Path, Problem, shown
from gateway.settings.policies import NONE, redirect_target

_MOST_NEXT_HOPS = 16  # of redirects, all policies together


@reads("domains", "listen", "senders", "patterns", "policies")
def policy_is_defined(given: Given) -> Iterator[Problem]:
    """Gate 1 has one transport for each policy; the filter answers 451 to one it does not know."""
    known = {*given.settings.policies, NONE}
    for path, name in _uses(given):
        if name not in known:
            yield Problem(path, no_such("policies", name, known))


def _uses(given: Given) -> Iterator[tuple[Path, str]]:
    settings = given.settings
    for name, domain in settings.domains.items():
        yield ("domains", name, "policy"), domain.policy
    for name, listener in settings.listen.items():
        if listener.policy is not None:
            yield ("listen", name, "policy"), listener.policy
    for name, policy in settings.senders.policies.items():
        yield ("senders", "policies", name), policy
    for number, rule in enumerate(settings.patterns):
        if rule.action.startswith("filter:"):
            yield ("patterns", number, "action"), rule.action.partition(":")[2]


@reads("policies")
def none_is_no_policy(given: Given) -> Iterator[Problem]:
    """The name says that mail goes past the filter."""
    if NONE in given.settings.policies:
        what = f'"{NONE}" is kept for mail that no policy looks at; expected another name'
        yield Problem(("policies", NONE), what)


@reads("policies", "checks")
def check_is_there(given: Given) -> Iterator[Problem]:
    """A policy that names no check would pass what it was to stop."""
    known = given.settings.checks.names()
    for name, policy in given.settings.policies.items():
        for number, check in enumerate(policy.checks):
            if check not in known:
                yield Problem(("policies", name, "checks", number), no_such("checks", check, known))


@reads("policies", "checks")
def verdict_is_about_a_check_of_the_policy(given: Given) -> Iterator[Problem]:
    """One about another check would never be asked."""
    for name, policy in given.settings.policies.items():
        for (table, finding), _ in policy.findings():
            check = finding.partition(".")[0]
            if check not in policy.checks:
                what = f"{check} is not among the checks of this policy; expected one of its checks"
                yield Problem(("policies", name, table, finding), what)


@reads("policies")
def redirects_are_few(given: Given) -> Iterator[Problem]:
    """Gate 2 has a listener for each next hop of a redirect, with as many processes as the filter has slots."""
    seen: set[str] = set()
    for name, policy in given.settings.policies.items():
        for path, outcome in policy.outcomes():
            target = redirect_target(outcome)
            if target.startswith("[") and target not in seen:
                seen.add(target)
                if len(seen) == _MOST_NEXT_HOPS + 1:
                    what = f"{shown(target)} is next hop number {len(seen)} of redirects"
                    yield Problem(("policies", name, *path), f"{what}; expected at most {_MOST_NEXT_HOPS}")


RULES: tuple[Rule, ...] = (
    policy_is_defined,
    none_is_no_policy,
    check_is_there,
    verdict_is_about_a_check_of_the_policy,
    redirects_are_few,
)
