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


async def test_keys_are_named_and_not_needed(tmp_path):
    """They lie where only the filter that runs may read them; what goes with a signature is the same."""
    key = '[dkim."example.test"]\nselector = "s1"\nkey_file = "nowhere.pem"\n'
    inside = '[networks]\nlan = ["10.20.0.0/24"]\n[listen.inside]\naddresses = ["127.0.0.2:2525"]\nnetworks = ["lan"]\n'
    yard = Yard(configure(tmp_path, minimal(key + inside)))
    content = b"From: anna@example.test\r\n" + CLEAN
    ours = await yard.judge(sent(content=content, client="10.20.0.9"), ["x@far.example"], "default")
    strangers = await yard.judge(sent(content=content), ["x@far.example"], "default")
    key = yard.key(ours.mail)
    assert (key.domain, key.selector, ours.splices) == (b"example.test", b"s1", [])
    assert yard.key(strangers.mail) is None


async def test_links_of_lists_are_among_the_edits(tmp_path):
    """As the filter makes them, whatever the policy."""
    lists = '[lists."talk@example.test"]\narchive_url = "https://lists.example.test/{message_id_hash}"\n'
    yard = Yard(configure(tmp_path, minimal(lists)))
    judged = await yard.judge(sent(content=b"Message-ID: <a@b>\r\n" + CLEAN), ["talk@example.test"], "default")
    assert [splice.octets.partition(b":")[0] for splice in judged.splices] == [b"Archived-At", b"Message-ID-Hash"]
