"""What an operator types on the first day: make, make up, make demo, make down; and plain docker compose."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack.appliance import DAEMONS, Appliance
from tests.stack.client import ROOT, Done, run, wait_for
from tests.stack.conftest import PREFIX

TARGETS = {
    *("help", "up", "down", "status", "demo", "logs", "shell", "check", "plan", "apply", "block", "unblock"),
    *("backup", "directory", "doctor", "restore", "sieve"),
    *("test", "lint", "unit", "stack", "test-corpus", "test-faults", "fuzz", "clean"),
    *("bench", "bench-directory", "bench-memory", "bench-tuning", "explain", "quarantine", "try-command"),
}


@pytest.mark.parametrize("arguments", [[], ["help"]], ids=["bare", "help"])
def test_make_lists_each_target_with_one_line(arguments: list[str]) -> None:
    """A bare `make` says what there is, and changes nothing."""
    shown = dict(re.findall(r"^  ([a-z-]+) +(\S.*)$", run("make", *arguments).stdout, re.MULTILINE))
    assert shown.keys() == TARGETS
    assert all(len(line) < 100 for line in shown.values())


# --- the engine -----------------------------------------------------------------------------------------------------


def engine(path: str) -> Done:
    """Run scripts/engine under ENGINE=keep with a PATH of our own."""
    return run("env", f"PATH={path}", "ENGINE=keep", "DOCKER_HOST=unix:///nowhere.sock", "scripts/engine", check=False)


def test_engine_keep_is_content_with_an_engine_that_runs() -> None:
    """ENGINE=keep changes nothing where all is there."""
    assert run("env", "ENGINE=keep", "scripts/engine").stdout == ""


def test_engine_keep_refuses_and_says_why_where_none_runs(tmp_path: Path) -> None:
    """ENGINE=keep does not install what is missing; it says what is expected."""
    for name in ("bash", "env", "id", "grep", "apt-get"):
        (tmp_path / name).symlink_to(shutil.which(name) or "/bin/false")
    done = engine(str(tmp_path))
    assert done.returncode == 4
    assert "no Docker engine is installed" in done.stderr and "ENGINE=keep forbids changing this machine" in done.stderr
    assert "Expected: a running Docker engine with Compose v2" in done.stderr


def test_engine_keep_refuses_to_start_one(tmp_path: Path) -> None:
    """An engine that is installed but does not run is left so."""
    (tmp_path / "dockerd").symlink_to("/bin/false")
    done = engine(f"{os.environ['PATH']}:{tmp_path}")
    assert done.returncode == 4
    assert "the Docker engine is not running, and ENGINE=keep forbids" in done.stderr


# --- the default file -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Copy the tree as a clone has it; remove all that was started from it afterwards."""
    tree = tmp_path_factory.mktemp("clone")
    for name in ("config", "gateway", "images", "scripts"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Makefile", "compose.yaml"):
        shutil.copy(ROOT / name, tree / name)
    yield tree
    plain(tree, "down", "--volumes", "--remove-orphans", "--timeout", "5", check=False)


def plain(tree: Path, *arguments: str, check: bool = True) -> Done:
    """Run docker compose in a tree, without any of our scripts."""
    return run(
        "docker", "compose", "--project-directory", str(tree), "-p", f"{PREFIX}-plain", "-f", f"{tree}/compose.yaml",
        *arguments, check=check,
    )  # fmt: skip


def taken(subnet: str) -> bool:
    """Return whether another project has the default subnet: two cannot."""
    ids = run("docker", "network", "ls", "-q").stdout.split()
    return subnet in run("docker", "network", "inspect", *ids).stdout


def test_plain_docker_compose_up_works_with_the_default_file(first: Path) -> None:
    """Without make: `docker compose up` in a clone builds, renders, starts, and all become healthy."""
    if taken("198.18.25."):
        pytest.skip("an appliance with the default subnet runs on this machine")
    compose = first / "compose.yaml"
    text = compose.read_text()
    assert '"127.0.0.1:2525:2525"' in text
    compose.write_text(text.replace('"127.0.0.1:2525:2525"', '"127.0.0.1:25251:2525"'))  # 2525 may be taken here
    plain(first, "up", "-d", "--build", "--wait")
    states = plain(first, "ps", "--format", "{{.Service}} {{.Health}}").stdout.split("\n")
    assert {line for line in states if line} == {f"{service} healthy" for service in DAEMONS}
    banner = run("bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/25251; read -r -t 5 line <&3; echo $line").stdout
    assert banner.startswith("220 mx.example.test ESMTP")


# --- up, demo, down, clean ------------------------------------------------------------------------------------------


def test_up_again_takes_seconds_and_changes_nothing(twin: Appliance) -> None:
    """A second `make up` touches no container, and prints listeners, routes and the next command again."""
    before = {service: twin.inspect(service)["State"]["StartedAt"] for service in DAEMONS}
    shown = twin.make("up").stdout
    assert {service: twin.inspect(service)["State"]["StartedAt"] for service in DAEMONS} == before
    for words in ("mx.twin.test takes mail at", "outside", "anyone", "twin.test", "Maildir", "by MX"):
        assert words in shown
    assert f"Next: make demo PROJECT={twin.project}" in shown


def test_demo_shows_the_way_of_a_message(twin: Appliance) -> None:
    """`make demo` prints both queue ids, the filter's line, and the message as it lies in the Maildir."""
    shown = twin.make("demo", "TO=dora@twin.test").stdout
    pre = re.search(r"gate 1, postfix-pre: queue id (\w+)", shown)
    post = re.search(r"gate 2, postfix-post: queue id (\w+)", shown)
    assert pre and post and pre[1] != post[1]
    assert re.search(rf"INFO transaction pre={pre[1]} post={post[1]} .*outcome=sent", shown)
    assert re.search(r"delivered: /var/mail/vhosts/twin\.test/dora/new/\S+", shown)
    assert "Subject: A demonstration" in shown


def test_down_keeps_mail_and_clean_removes_it(twin: Appliance) -> None:
    """After `make down` and `make up` the mail is still there; `make clean` asks first, and with YES=1 it is gone."""
    sent = twin.client("visitor").swaks(twin.outside, to="dora@twin.test")
    twin.arrived("dora@twin.test", sent.token)
    run("docker", "rm", "-fv", f"{twin.project}-x-visitor")
    twin.make("down")
    mine = ("--filter", f"label=com.docker.compose.project={twin.project}")
    assert run("docker", "ps", "-aq", *mine).stdout == run("docker", "network", "ls", "-q", *mine).stdout == ""
    twin.make("up")
    wait_for(lambda: any(sent.token in text for text in twin.mailbox("dora@twin.test")), "the mail from before")
    refused = twin.make("clean", check=False)
    assert refused.returncode != 0
    assert f"this deletes the mail and queues of {twin.project}: YES=1 says so" in refused.stderr
    twin.healthy("postfix-post")
    twin.make("clean", "YES=1")
    for kind in ("ps -a", "network ls", "volume ls"):
        assert run("docker", *kind.split(), "-q", *mine).stdout == "", kind
    assert run("docker", "image", "ls", "-q", "--filter", f"reference=sallyport-*:{twin.project}").stdout == ""
    assert (twin.config_dir / "gateway.toml").exists()
