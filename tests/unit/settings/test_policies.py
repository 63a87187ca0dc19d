"""What policies say of themselves."""

import pytest

from gateway.settings.policies import Policy, redirect_target


@pytest.mark.parametrize(
    ("outcome", "target"),
    [
        ("hold", ""),
        ("redirect:abuse@example.test", "abuse@example.test"),
        ("redirect:[192.0.2.9]:25", "[192.0.2.9]:25"),
    ],
)
def test_redirect_target_is_what_follows_the_verdict(outcome, target):
    """Other verdicts have none."""
    assert redirect_target(outcome) == target


def test_outcomes_are_all_that_a_policy_names():
    """Both defaults and both tables, with the keys to point at."""
    policy = Policy(
        checks=["gtube"],
        outside="discard",
        verdicts={"gtube": "tag"},
        verdicts_inside={"gtube.gtube": "redirect:[192.0.2.9]:25"},
    )
    assert list(policy.outcomes()) == [
        (("outside",), "discard"),
        (("inside",), "reject"),
        (("verdicts", "gtube"), "tag"),
        (("verdicts_inside", "gtube.gtube"), "redirect:[192.0.2.9]:25"),
    ]
