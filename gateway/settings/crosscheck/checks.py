"""Rules about checks and what policies make of them: names that mean what they say, scanners within reach."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.settings.crosscheck.rule import Given, Rule, reads
from gateway.settings.grammar import ip_address
from gateway.settings.mistakes import Path, Problem, shown

# Reasons of findings with a meaning of their own (message.verdict ERROR, TEMPFAIL), and what that is.
KEPT = {"error": "checks that cannot do their work", "tempfail": "programs that want a message again later"}


@reads("checks")
def no_finding_has_a_kept_name(given: Given) -> Iterator[Problem]:
    """A finding of such a name is followed by on_error or a deferral, whatever was found."""
    for path, name in _names(given):
        if name in KEPT:
            yield Problem(path, f'"{name}" is kept for {KEPT[name]}; expected another name')


def _names(given: Given) -> Iterator[tuple[Path, str]]:
    """Yield the names that findings get from the file, and where they stand."""
    checks = given.settings.checks
    for group in checks.attachments.groups:
        yield ("checks", "attachments", "groups", group), group
    for number, header_pattern in enumerate(checks.headers.patterns):
        yield ("checks", "headers", "patterns", number, "name"), header_pattern.name
    for number, body_pattern in enumerate(checks.body.patterns):
        yield ("checks", "body", "patterns", number, "name"), body_pattern.name


@reads("policies")
def errors_have_no_verdict(given: Given) -> Iterator[Problem]:
    """A check that cannot do its work has found nothing, so its own on_error says what follows."""
    for name, policy in given.settings.policies.items():
        for table, verdicts in (("verdicts", policy.verdicts), ("verdicts_inside", policy.verdicts_inside)):
            for finding in verdicts:
                check, _, reason = finding.partition(".")
                if reason == "error":
                    what = f"never found; expected on_error in [checks.{check.replace(':', '.')}] instead"
                    yield Problem(("policies", name, table, finding), what)


@reads("policies")
def subject_is_marked_once(given: Given) -> Iterator[Problem]:
    """The one would replace the field that the other puts something into."""
    for name, policy in given.settings.policies.items():
        for field in policy.tag.fields:
            if policy.tag.subject_prefix and field.lower() == "subject":
                what = "replaces the Subject that subject_prefix is for; expected one of the two"
                yield Problem(("policies", name, "tag", "fields", field), what)


@reads("checks", "gateway", "gateway.subnet", "listen")
def scanner_is_within_reach(given: Given) -> Iterator[Problem]:
    """The filter has no route out: what it asks has to be attached to the network `scanners`."""
    reachable = given.topology.dynamic_range("scanners")
    for name in ("clamav",):
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


RULES: tuple[Rule, ...] = (
    no_finding_has_a_kept_name,
    errors_have_no_verdict,
    subject_is_marked_once,
    scanner_is_within_reach,
)
