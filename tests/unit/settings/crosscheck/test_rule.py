"""What holds for every rule."""

import pytest

from gateway.settings.crosscheck import RULES
from gateway.settings.crosscheck.rule import Given, no_such
from gateway.settings.models import Settings

from .conftest import changed, problems

EVERYTHING = {
    "gateway__relayhost": "[192.0.2.9]",
    "gateway__recipient_delimiter": "+",
    "senders__reject": ["spam.example"],
    "dnsbl__lists": ["bl.test"],
    "dns": {
        "addresses": ["10.20.0.1"],
        "forwarders": ["192.0.2.53"],
        "domain": "lan.test",
        "forward_zones": {"a.test": ["192.0.2.53"], "11.in-addr.arpa": ["192.0.2.53"]},
    },
    "canonical": {"a@old.test": "a@new.test"},
    "policies": {"strict": {"checks": ["gtube"]}},
    "patterns": [{"match": "body", "pattern": "x", "action": "warn"}],
}


def test_rules_find_nothing_in_a_right_file():
    """The file that every case changes is right itself."""
    assert list(problems(changed(**EVERYTHING))) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.check.__name__)
def test_rule_reads_the_tables_it_names_and_no_others(rule):
    """Otherwise it would complain about the stand-in for a broken table."""
    settings = Settings.model_validate(changed(**EVERYTHING))
    seen: set[str] = set()

    class Watched(Settings):
        def __getattribute__(self, name: str):
            if name in Settings.model_fields:
                seen.add(name)
            return super().__getattribute__(name)

    watched = Watched.model_construct(**{name: getattr(settings, name) for name in Settings.model_fields})
    list(rule.check(Given(watched, ())))
    assert seen <= {table.partition(".")[0] for table in rule.reads}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.check.__name__)
def test_rule_states_its_reason(rule):
    """The docstring says what would go wrong, for whoever wants to lift the rule."""
    assert len(rule.check.__doc__) > 30


def test_no_such_suggests_the_closest_name():
    """A slip of the finger is the likeliest mistake."""
    assert no_such("networks", "lna", ["lan", "dmz"]) == (
        '"lna" is not defined in [networks]; expected one of dmz, lan (did you mean lan?)'
    )
    assert no_such("networks", "x", []) == '"x" is not defined in [networks]; expected a name defined in [networks]'
