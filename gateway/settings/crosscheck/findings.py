"""Rules about what policies make of findings: verdicts and fields that would not mean what they say."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.settings.crosscheck.rule import Given, Rule, reads
from gateway.settings.mistakes import Problem

ERROR = "error"  # reason of the finding that a check cannot do its work (message.verdict)


@reads("policies")
def errors_have_no_verdict(given: Given) -> Iterator[Problem]:
    """A check that cannot do its work has found nothing, so its own on_error says what follows."""
    for name, policy in given.settings.policies.items():
        for table, verdicts in (("verdicts", policy.verdicts), ("verdicts_inside", policy.verdicts_inside)):
            for finding in verdicts:
                check, _, reason = finding.partition(".")
                if reason == ERROR:
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


RULES: tuple[Rule, ...] = (
    errors_have_no_verdict,
    subject_is_marked_once,
)
