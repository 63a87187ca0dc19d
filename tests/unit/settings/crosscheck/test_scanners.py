"""Where the rules about checks that ask others begin to object."""

import pytest


@pytest.mark.parametrize("address", ["scanner:3310", "198.18.25.208:3310", "198.18.25.223:1", "my-clamd.lan.test:3310"])
def test_scanner_on_the_scanners_network_is_fine(found, address):
    """By the alias of a container, or an address that Docker hands out there."""
    assert found(checks__clamav__address=address) == []


@pytest.mark.parametrize(
    "address",
    ["192.0.2.7:3310", "[2001:db8::7]:3310", "198.18.25.176:3310", "198.18.25.207:3310", "198.18.25.224:3310"],
)
def test_scanner_elsewhere_is_out_of_reach(found, address):
    """The filter has no route out: each message would be deferred until it expires."""
    expected = (
        f'"{address}" is out of the filter\'s reach; expected a container on the network scanners, by its alias or '
        "an address of 198.18.25.208/28"
    )
    assert found(checks__clamav__address=address) == [("checks.clamav.address", expected)]


@pytest.mark.parametrize(
    ("name", "use"),
    [("tempfail", "for programs that want the message again"), ("error", "for checks that cannot do their work")],
)
def test_pattern_with_a_name_that_is_kept_is_refused(found, name, use):
    """Its findings would be deferred, whatever the policy says."""
    expected = f'"{name}" is kept {use}; expected another name'
    for kind in ("headers", "body"):
        path = f"checks.{kind}.patterns.1.name"
        patterns = [{"name": "fine", "pattern": "x"}, {"name": name, "pattern": "x"}]
        assert found(**{f"checks__{kind}": {"patterns": patterns}}) == [(path, expected)]
    groups = {"groups": {name: ["exe"]}}
    assert found(checks__attachments=groups) == [(f"checks.attachments.groups.{name}", expected)]


def test_scores_the_wrong_way_round_are_refused(found):
    """Equal ones are fine: then nothing is probable, and that may be meant."""
    assert found(checks__rspamd={"spam_score": 7.0, "reject_score": 7.0}) == []
    expected = "5 is below spam_score (7.5); expected more"
    assert found(checks__rspamd={"spam_score": 7.5, "reject_score": 5.0}) == [("checks.rspamd.reject_score", expected)]
