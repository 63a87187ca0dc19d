"""Rules about what policies make of findings: verdicts and fields that would not mean what they say."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.message.verdict import ERROR, TEMPFAIL
from gateway.settings.checks import Check
from gateway.settings.crosscheck.rule import Given, Rule, reads
from gateway.settings.mistakes import Path, Problem, did_you_mean, shown


def _verdicts(given: Given) -> Iterator[tuple[Path, list[str], str, str]]:
    """Yield each verdict's path, the checks of its policy, the check it is about, and the reason, empty for any."""
    for name, policy in given.settings.policies.items():
        for (table, finding), _ in policy.findings():
            check, _, reason = finding.partition(".")
            yield ("policies", name, table, finding), policy.checks, check, reason


def _table(check: str) -> str:
    return f"[checks.{check.replace(':', '.')}]"


@reads("policies")
def errors_have_no_verdict(given: Given) -> Iterator[Problem]:
    """A check that cannot do its work has found nothing, so its own on_error says what follows."""
    for path, _checks, check, reason in _verdicts(given):
        if reason == ERROR:
            yield Problem(path, f"never found; expected on_error in {_table(check)} instead")


@reads("policies")
def trying_again_has_no_verdict(given: Given) -> Iterator[Problem]:
    """A program that wants a message to come again is obeyed."""
    for path, _checks, _check, reason in _verdicts(given):
        if reason == TEMPFAIL:
            yield Problem(path, "always deferred; expected no verdict about it")


@reads("policies", "checks")
def reason_is_one_of_the_checks_own(given: Given) -> Iterator[Problem]:
    """What is misspelt, or switched off, is never found: its verdict would be passed over, and nobody told."""
    for path, checks, name, reason in _verdicts(given):
        found = given.settings.checks.named(name)
        if not reason or reason in (ERROR, TEMPFAIL) or name not in checks or found is None:
            continue  # others object
        known = _reported(name, found)
        if reason not in known:
            expected = f"one of {', '.join(known)}" if known else "a name that is given there"
            what = f"{name} reports no {shown(reason)}, as {_table(name)} has it; expected {expected}"
            yield Problem(path, what + did_you_mean(reason, known))


def _reported(name: str, check: Check) -> list[str]:
    from gateway.check.registry import reported  # here, for it loads all checks, and few files need them

    return reported(name, check.model_dump())


@reads("checks")
def what_is_ignored_is_there(given: Given) -> Iterator[Problem]:
    """A finding that is to be ignored, and is misspelt, is reported."""
    structure = given.settings.checks.structure
    if "ignore" not in structure.model_fields_set:
        return
    known = _reported("structure", structure.model_copy(update={"ignore": []}))
    for number, reason in enumerate(structure.ignore):
        if reason not in known:
            what = f"structure reports no {shown(reason)}; expected one of {', '.join(known)}"
            yield Problem(("checks", "structure", "ignore", number), what + did_you_mean(reason, known))


@reads("policies")
def subject_is_marked_once(given: Given) -> Iterator[Problem]:
    """The one would replace the field that the other puts something into."""
    for name, policy in given.settings.policies.items():
        for field in policy.tag.fields:
            if policy.tag.subject_prefix and field.lower() == "subject":
                what = "replaces the Subject that subject_prefix is for; expected one of the two"
                yield Problem(("policies", name, "tag", "fields", field), what)


RULES: tuple[Rule, ...] = (
    errors_have_no_verdict,
    trying_again_has_no_verdict,
    reason_is_one_of_the_checks_own,
    what_is_ignored_is_there,
    subject_is_marked_once,
)
