"""The filter's own code, asked without a connection."""

from gateway.explain.yard import Yard, worker_settings
from gateway.message.verdict import Action
from tests.configurations import configure, minimal

from .conftest import CLEAN, SPAM, sent


async def test_judge_is_what_the_worker_does(site):
    """Direction, reply and findings by the rendered settings."""
    outside = await Yard(site).judge(sent(content=SPAM), ["anna@example.test"], "strict")
    inside = await Yard(site).judge(sent(content=SPAM, client="10.20.0.9"), ["anna@example.test"], "strict")
    people = await Yard(site).judge(sent(content=SPAM, listener="submission"), ["anna@example.test"], "strict")
    assert (outside.verdict.action, inside.verdict.action) == (Action.HOLD, Action.REJECT)
    assert people.verdict.action is Action.REJECT
    assert [finding.key for finding in outside.verdict.findings] == ["gtube.gtube"]


async def test_assumed_findings_replace_the_check(site):
    """A case says what a scanner would."""
    yard = Yard(site, {"gtube": ["gtube"]})
    assert (await yard.judge(sent(content=CLEAN), ["anna@example.test"], "strict")).verdict.action is Action.HOLD


def test_worker_settings_are_the_rendered_ones(site):
    """Networks of trusted clients, policies, and doors."""
    told = worker_settings(site)
    assert [str(network) for network in told.inside] == ["10.20.0.0/24"]
    assert sorted(told.policies) == ["away", "default", "hop", "lenient", "strict"]
    assert list(told.doors) == ["[192.0.2.99]:25"]


def test_keys_are_not_needed(tmp_path):
    """They lie where only the filter that runs may read them."""
    key = '[dkim."example.test"]\nselector = "s1"\nkey_file = "nowhere.pem"\n'
    assert worker_settings(configure(tmp_path, minimal(key))).dkim is None
