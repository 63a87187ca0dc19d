"""The schema for editors."""

import json
import tomllib
from pathlib import Path

from gateway.settings.models import Settings
from gateway.settings.schema import json_schema

CONFIG = Path(__file__).parents[3] / "config"


def test_committed_schema_is_up_to_date():
    """Write it anew with: python -m gateway.settings.schema > config/gateway.schema.json."""
    assert json.loads((CONFIG / "gateway.schema.json").read_text()) == json_schema()


def test_schema_names_every_table_and_key():
    """An unknown key is marked while it is typed."""
    schema = json_schema()
    assert set(schema["properties"]) == {field.alias or name for name, field in Settings.model_fields.items()}
    assert schema["additionalProperties"] is False
    assert set(schema["definitions"]["Listener"]["properties"]) == {
        *("addresses", "networks", "trusted", "auth", "tls", "hide_client", "filter", "policy"),
        *("logins_per_minute", "recipients_per_hour"),
    }
    for table in ("Checks", "Headers", "HeaderPattern", "Command", "Policy", "Tag", "MailingList"):
        assert schema["definitions"][table]["additionalProperties"] is False


def test_schema_gives_defaults_as_they_are_written():
    """Octets and seconds are numbers inside only."""
    definitions = json_schema()["definitions"]
    assert definitions["Gateway"]["properties"]["message_size_limit"]["default"] == "50MiB"
    assert definitions["Gateway"]["properties"]["subnet"]["default"] == "198.18.25.0/24"
    assert definitions["Filter"]["properties"]["commit_timeout"]["default"] == "540s"
    assert definitions["Rspamd"]["properties"]["spam_score"]["default"] == 6.0
    assert definitions["Attachments"]["properties"]["groups"]["default"]["macro"][0] == "docm"
    assert "default" not in definitions["Gateway"]["properties"]["relayhost"]
    assert "default" not in definitions["Policy"]["properties"]["tag"]
    assert "default" not in json_schema()["properties"]["policies"]


def test_every_shipped_file_points_at_the_schema():
    """The first line is what editors look for."""
    for path in [CONFIG / "gateway.toml", *CONFIG.glob("examples/*/gateway.toml")]:
        text = path.read_text()
        schema = text.splitlines()[0].removeprefix("#:schema ")
        assert (path.parent / schema).resolve() == CONFIG / "gateway.schema.json"
        assert set(tomllib.loads(text)) <= set(json_schema()["properties"])
