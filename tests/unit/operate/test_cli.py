"""The gateway command: what it prints, what it changes, and its exit codes."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from gateway.operate.cli import main
from tests.configurations import minimal

BROKEN = minimal().replace("[listen.outside]", "[listn.outside]")
COMMANDS = ("block", "changes", "check", "compose", "flip", "plan", "render", "schema", "show", "stage", "unblock")


def running(generation, *services):
    """Return --running options."""
    names = services or ("postfix-pre", "filter", "postfix-post", "bind")
    return [word for name in names for word in ("--running", f"{name}={generation}")]


def test_help_lists_every_command():
    """A line for each, and -h works too."""
    result = CliRunner().invoke(main, ["-h"])
    assert result.exit_code == 0
    assert all(f"\n  {name} " in result.stdout for name in COMMANDS)


@pytest.mark.parametrize("arguments", [["--nonsense"], ["nonsense"], ["flip"], ["changes"], ["block"], ["unblock"]])
def test_wrong_usage_is_exit_2(arguments):
    """Click's own code, with the usage on stderr."""
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("Usage: ")


@pytest.mark.parametrize("pair", ["bind", "bind=", "binde=000001", "=000001"])
def test_running_that_is_no_pair_is_exit_2(appliance, pair):
    """A misspelt service would be left out of the plan."""
    result = appliance.plan("--running", pair)
    assert result.exit_code == 2
    assert "expected one of postfix-pre, filter, postfix-post, dovecot, bind, =, a generation" in result.stderr


@pytest.mark.parametrize("command", ["render", "stage", "plan"])
def test_mistakes_are_exit_3_and_replace_nothing(appliance, command):
    """All mistakes on stderr with their positions, nothing on stdout, the volume as it was."""
    appliance.render()
    before = appliance.files()
    appliance.config.write_text(BROKEN + 'subnet = "10.0.0.0/8"\n')
    result = appliance.run(command, config=True, rendered=True)
    assert (result.exit_code, result.stdout) == (3, "")
    lines = result.stderr.splitlines()
    assert len(lines) > 1
    assert any(line.startswith("gateway.toml:6:2: listn: ") and "did you mean listen?" in line for line in lines)
    assert appliance.files() == before


@pytest.mark.parametrize("command", ["check", "show", "compose"])
def test_mistakes_are_exit_3_for_commands_that_only_read(appliance, command):
    """The same messages, whoever asks."""
    appliance.config.write_text(BROKEN)
    result = appliance.run(command, config=True)
    assert (result.exit_code, result.stdout) == (3, "")
    assert "gateway.toml:6:2: listn: " in result.stderr


@pytest.mark.parametrize("command", ["block", "unblock"])
def test_mistakes_are_exit_3_for_edits_and_change_nothing(appliance, command):
    """An edit of a broken file could make it worse."""
    appliance.config.write_text(BROKEN)
    result = appliance.run(command, "spam.example", config=True)
    assert result.exit_code == 3
    assert appliance.config.read_text() == BROKEN


def test_file_that_is_missing_is_exit_3(appliance):
    """There is nothing to load."""
    appliance.config.unlink()
    result = appliance.run("check", config=True)
    assert result.exit_code == 3
    assert result.stderr.startswith("gateway.toml:1:1: cannot be read: no such file")


def test_render_writes_and_flips(appliance):
    """What starting services take is there after one command; a second changes nothing."""
    first = appliance.render()
    assert (first.exit_code, first.stdout) == (0, "generation 000001: rendered\n")
    assert (appliance.rendered / "current/postfix-pre/main.cf").is_file()
    before = appliance.files()
    assert appliance.render().stdout == "generation 000001: nothing changed\n"
    assert appliance.files() == before


def test_render_of_a_changed_file_keeps_the_old_generation(appliance):
    """Daemons that run still read it."""
    appliance.render()
    appliance.change("mx.example.test", "gw.example.test")
    assert appliance.render().stdout == "generation 000002: rendered\n"
    assert "mx.example.test" in (appliance.rendered / "generations/000001/postfix-pre/main.cf").read_text()


def test_render_to_a_volume_that_cannot_be_written_is_exit_1(appliance):
    """The reason on stderr, in one line."""
    appliance.rendered.rmdir()
    appliance.rendered.symlink_to("/proc/nowhere")
    result = appliance.render()
    assert result.exit_code == 1
    assert result.stderr.startswith("gateway: ")
    assert len(result.stderr.splitlines()) == 1


def test_stage_prints_the_id_and_flips_nothing(appliance):
    """The daemons' parsers look at it before anybody takes it."""
    appliance.render()
    appliance.change("mx.example.test", "gw.example.test")
    result = appliance.run("stage", config=True, rendered=True)
    assert (result.exit_code, result.stdout) == (0, "000002\n")
    assert (appliance.rendered / "current").readlink().name == "000001"
    assert appliance.run("flip", "000002", rendered=True).exit_code == 0
    assert (appliance.rendered / "current").readlink().name == "000002"
    assert appliance.run("stage", config=True, rendered=True).stdout == "000002\n"


def test_flip_to_an_unknown_generation_is_exit_1(appliance):
    """And says which there are."""
    appliance.render()
    result = appliance.run("flip", "000007", rendered=True)
    assert (result.exit_code, result.stderr) == (1, "gateway: no generation 000007; there are 000001\n")


def test_flip_keeps_what_runs(appliance):
    """Old generations go, but for those that services have pinned."""
    appliance.render()
    for number in range(25):
        appliance.change(
            "mx.example.test" if number == 0 else f"mx{number - 1}.example.test", f"mx{number}.example.test"
        )
        appliance.run("stage", config=True, rendered=True)
    assert appliance.run("flip", "000026", *running("000003", "bind"), rendered=True).exit_code == 0
    left = sorted(path.name for path in (appliance.rendered / "generations").iterdir())
    assert left == ["000003", *(f"{number:06d}" for number in range(7, 27))]


def test_plan_of_an_unchanged_file_is_empty(appliance):
    """Nothing to do, and nothing is written."""
    appliance.render()
    before = appliance.files()
    result = appliance.plan(*running("000001"))
    assert (result.exit_code, result.stdout) == (0, "Nothing that runs would change.\n")
    assert appliance.files() == before


def test_plan_shows_the_diff_and_who_has_to_do_what(appliance):
    """A unified diff, then a line per service."""
    appliance.render()
    appliance.change("[listen.outside]", '[senders]\nreject = ["spam.example"]\n[listen.outside]')
    result = appliance.plan(*running("000001"))
    assert result.exit_code == 0
    assert "--- running/postfix-pre/sender_access\n+++ planned/postfix-pre/sender_access\n" in result.stdout
    assert "\n+spam.example REJECT\n" in result.stdout
    assert "postfix-pre" in result.stdout.partition("make apply would")[2]
    assert "reload" in result.stdout
    assert "restart" not in result.stdout


def test_plan_as_json(appliance):
    """For programs: the same facts."""
    appliance.render()
    appliance.change("[listen.outside]", "[filter]\nworkers = 3\n[listen.outside]")
    result = appliance.plan("--json", *running("000001"))
    found = json.loads(result.stdout)
    assert [(change["service"], change["action"]) for change in found["changes"]] == [
        ("postfix-post", "reload"),
        ("filter", "reload"),
        ("postfix-pre", "reload"),
    ]
    assert found["changes"][1]["files"] == ["filter.toml", "supervisord.conf"]
    assert found["diff"].startswith("--- running/postfix-pre/main.cf\n")


def test_plan_knows_what_it_is_told_of_containers(appliance):
    """Scripts ask the engine; a service that is none is wrong usage."""
    appliance.render()
    result = appliance.plan("--json", "--recreated=filter", *running("000001"))
    assert json.loads(result.stdout)["changes"] == [{"service": "filter", "action": "recreate", "files": []}]
    assert appliance.plan("--recreated=web").exit_code == 2


def test_plan_says_what_does_not_run(appliance):
    """Before the first start nothing would be reloaded, and everything is new."""
    result = appliance.plan()
    assert result.exit_code == 0
    assert "+++ planned/bind/named.conf" in result.stdout
    assert "Nothing that runs would change." in result.stdout
    assert "takes the new files when it starts: postfix-pre, filter, postfix-post, bind\n" in result.stdout


def test_plan_against_an_unknown_generation_is_exit_1(appliance):
    """A service that runs what is gone is not compared with nothing."""
    appliance.render()
    result = appliance.plan(*running("000009", "bind"))
    assert (result.exit_code, result.stderr) == (1, "gateway: no generation 000009; there are 000001\n")


def test_changes_prints_a_line_per_service(appliance):
    """For scripts/apply: SERVICE, a blank, ACTION."""
    appliance.render()
    appliance.change("[listen.outside]", "[filter]\nworkers = 3\n[listen.outside]")
    appliance.run("stage", config=True, rendered=True)
    result = appliance.run("changes", "000002", *running("000001"), rendered=True)
    assert (result.exit_code, result.stdout) == (0, "postfix-post reload\nfilter reload\npostfix-pre reload\n")
    assert appliance.run("changes", "000002", *running("000002"), rendered=True).stdout == ""
    assert appliance.run("changes", "000003", rendered=True).exit_code == 1


def test_check_changes_nothing(appliance):
    """It loads and renders in memory."""
    result = appliance.run("check", config=True)
    assert (result.exit_code, result.stdout) == (0, "gateway.toml: no mistakes; 27 files to render\n")
    assert appliance.files() == {}
    found = json.loads(appliance.run("check", "--json", config=True).stdout)
    assert found["source"] == "gateway.toml"
    assert "postfix-pre/main.cf" in found["files"]


def test_compose_prints_the_override(appliance):
    """Only YAML on stdout, to be redirected into a file."""
    result = appliance.run("compose", config=True)
    assert result.exit_code == 0
    assert result.stdout.startswith("# What of compose.yaml depends on gateway.toml")
    assert result.stdout.endswith("}\n")


def test_show_prints_listeners_and_domains(appliance):
    """Tables for people, data for programs."""
    result = appliance.run("show", config=True)
    assert result.exit_code == 0
    assert "127.0.0.1:2525" in result.stdout
    found = json.loads(appliance.run("show", "--json", config=True).stdout)
    assert found["hostname"] == "mx.example.test"


def test_schema_is_json(appliance):
    """The JSON Schema of the file."""
    result = appliance.run("schema")
    assert result.exit_code == 0
    assert "gateway" in json.loads(result.stdout)["properties"]


def test_block_and_unblock_keep_comments(appliance):
    """One entry comes and goes; each answer says whether anything was done."""
    appliance.change("[listen.outside]", "[senders] # pests\nreject = [] # none yet\n[listen.outside]")
    before = appliance.config.read_text()
    assert appliance.run("block", "Spam.example", config=True).stdout == "Spam.example blocked\n"
    assert '[senders] # pests\nreject = ["spam.example"] # none yet\n' in appliance.config.read_text()
    assert appliance.run("block", "spam.example", config=True).stdout == "spam.example was blocked already\n"
    assert appliance.run("unblock", "SPAM.example", config=True).stdout == "SPAM.example unblocked\n"
    assert appliance.run("unblock", "spam.example", config=True).stdout == "spam.example was not blocked\n"
    assert appliance.config.read_text() == before


@pytest.mark.parametrize("sender", ["<>", "", "no dot", "spam.example\nx", "a@b@c", "*.example", "${x}.example"])
def test_block_of_what_is_no_sender_is_exit_1(appliance, sender):
    """The null sender above all; the file stays."""
    before = appliance.config.read_text()
    result = appliance.run("block", sender, config=True)
    assert result.exit_code == 1
    assert result.stderr.startswith("gateway: ")
    assert appliance.config.read_text() == before
