"""The models: frozen, complete, and with defaults that pass their own checks."""

import pytest
from pydantic import BaseModel, ValidationError

from gateway.settings.models import Policy, Settings, Table

SMALLEST = {
    "schema": 1,
    "gateway": {"hostname": "mx.example.test", "postmaster": "a@example.test"},
    "listen": {"outside": {}},
}


def test_smallest_file_has_a_default_for_all_the_rest():
    """Three tables are enough."""
    settings = Settings.model_validate(SMALLEST)
    assert settings.gateway.message_size_limit == 50 * 2**20
    assert (settings.filter.workers, settings.filter.max_transactions) == (2, 10)


def test_default_policy_is_always_there():
    """Domains name it unless they name another."""
    settings = Settings.model_validate(SMALLEST | {"policies": {"strict": {"checks": ["gtube"]}}})
    assert settings.policies == {"default": Policy(), "strict": Policy(checks=["gtube"])}


def test_settings_never_change():
    """What was checked is what is rendered."""
    settings = Settings.model_validate(SMALLEST)
    with pytest.raises(ValidationError, match="frozen"):
        settings.gateway.hostname = "x.test"


def test_every_key_is_described():
    """Editors and docs show it."""
    for table in Table.__subclasses__():
        assert issubclass(table, BaseModel)
        for name, field in table.model_fields.items():
            inner = isinstance(field.annotation, type) and issubclass(field.annotation, Table)
            assert inner or field.description, f"{table.__name__}.{name}"
