"""What a change asks of the services."""

from __future__ import annotations

import pytest

from gateway.render.plan import Change, changes, diff
from gateway.render.tree import SERVICES

TREE = {
    "postfix-pre/main.cf": "inet_protocols = ipv4\na = 1\n",
    "filter/filter.toml": "a = 1\n",
    "filter/supervisord.conf": "[supervisord]\na=1\n[program:filter-of-2]\nb=1\n",
    "postfix-post/main.cf": "inet_protocols = ipv4\n",
    "dovecot/dovecot.conf": "a = 1\n",
    "dovecot/listeners": "auth\n",
    "bind/named.conf": "a;\n",
}
RUNNING = dict.fromkeys(SERVICES, TREE)


def test_changes_of_the_same_tree_are_none():
    """Nothing to do where nothing differs."""
    assert changes(RUNNING, TREE) == []
    assert diff(RUNNING, TREE) == ""


@pytest.mark.parametrize(
    ("name", "text", "action"),
    [
        ("postfix-pre/main.cf", "inet_protocols = ipv4\na = 2\n", "reload"),
        ("postfix-pre/main.cf", "a = 1\n", "restart"),
        ("postfix-post/main.cf", "inet_protocols = all\n", "restart"),
        ("filter/filter.toml", "a = 2\n", "reload"),
        ("filter/supervisord.conf", "[supervisord]\na=1\n\n; words\n[program:filter-of-3]\nb=2\n", "reload"),
        ("filter/supervisord.conf", "[supervisord]\na=1\n[eventlistener:fatal]\nb=1\n", "reload"),
        ("filter/supervisord.conf", "[supervisord]\na=2\n[program:filter-of-2]\nb=1\n", "restart"),
        ("dovecot/dovecot.conf", "a = 2\n", "reload"),
        ("dovecot/listeners", "auth\nimaps\n", "restart"),
        ("bind/named.conf", "b;\n", "reload"),
        ("bind/db.new", "new\n", "reload"),
    ],
)
def test_changes_say_reload_where_that_is_enough(name, text, action):
    """Only inet_protocols, supervisord's own sections and Dovecot's protocols are read at the start alone."""
    service, _, file = name.partition("/")
    assert changes(RUNNING, TREE | {name: text}) == [Change(service, action, [file])]


def test_changes_come_against_the_path_with_all_files():
    """So that gate 1 takes nobody whom gate 2 does not know yet; a removed file is a change like any other."""
    new = {"postfix-pre/main.cf": "inet_protocols = ipv4\na = 1\n", "bind/named.conf": "b;\n", "bind/db.x": "x\n"}
    new |= {"filter/filter.toml": "a = 2\n", "postfix-post/main.cf": "b = 1\n", "dovecot/listeners": "a\n"}
    assert changes(RUNNING, new) == [
        Change("bind", "reload", ["db.x", "named.conf"]),
        Change("dovecot", "restart", ["dovecot.conf", "listeners"]),
        Change("postfix-post", "restart", ["main.cf"]),
        Change("filter", "restart", ["filter.toml", "supervisord.conf"]),
    ]


def test_changes_name_containers_that_are_recreated():
    """More memory is in no file, and whatever is in them, the container starts with it."""
    new = TREE | {"filter/filter.toml": "a = 2\n"}
    assert changes(RUNNING, new, ["filter", "postfix-pre"]) == [
        Change("filter", "recreate", ["filter.toml"]),
        Change("postfix-pre", "recreate", []),
    ]
    assert changes({}, new, ["filter"]) == []


def test_changes_leave_out_what_does_not_run():
    """A stopped service takes the new files when it starts."""
    assert changes({"filter": TREE}, {"filter/filter.toml": "a = 1\n"}) == [
        Change("filter", "restart", ["supervisord.conf"])
    ]
    assert changes({}, TREE) == []


def test_changes_leave_out_what_is_wanted_no_more():
    """What has no file any more is removed, and has nothing to reload."""
    new = {name: text for name, text in TREE.items() if not name.startswith("dovecot/")}
    assert changes(RUNNING, new) == []


def test_changes_compare_each_service_with_what_it_runs():
    """After a partial apply two services may run two generations."""
    older = TREE | {"bind/named.conf": "old;\n"}
    assert changes(RUNNING | {"bind": older}, TREE) == [Change("bind", "reload", ["named.conf"])]


def test_diff_is_unified_and_names_both_sides():
    """New and removed files are shown against /dev/null, as diff -N does."""
    new = {name: text for name, text in TREE.items() if name != "bind/named.conf"}
    new |= {"filter/filter.toml": "a = 2\n", "bind/db.x": "x\n"}
    assert diff(RUNNING, new) == (
        "--- running/filter/filter.toml\n+++ planned/filter/filter.toml\n@@ -1 +1 @@\n-a = 1\n+a = 2\n"
        "--- /dev/null\n+++ planned/bind/db.x\n@@ -0,0 +1 @@\n+x\n"
        "--- running/bind/named.conf\n+++ /dev/null\n@@ -1 +0,0 @@\n-a;\n"
    )


def test_diff_of_a_stopped_service_is_against_nothing():
    """Everything it will start with is new."""
    assert "+++ planned/bind/named.conf" in diff({}, TREE)
