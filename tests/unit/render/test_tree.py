"""The whole tree."""

from __future__ import annotations

from gateway.render.tree import SERVICES, of_service, render
from tests.configurations import configure, minimal


def test_tree_has_the_services_in_the_order_of_the_path(tmp_path):
    """Names are <service>/<file>, sorted inside a service; a service that is not wanted has none."""
    tree = render(configure(tmp_path, minimal()), {}, 1000)
    assert list(dict.fromkeys(name.partition("/")[0] for name in tree)) == [s for s in SERVICES if s != "dovecot"]
    everything = render(configure(tmp_path, minimal("[mailstore]\nenabled = true\n")), {}, 1000)
    assert list(dict.fromkeys(name.partition("/")[0] for name in everything)) == list(SERVICES)
    assert [name for name in tree if name.startswith("bind/")] == [
        "bind/db.127.in-addr.arpa",
        "bind/db.localhost",
        "bind/named.conf",
    ]


def test_tree_is_the_same_each_time(tmp_path):
    """With the tree before at hand, time alone changes nothing."""
    configuration = configure(tmp_path, minimal())
    before = render(configuration, {}, 1000)
    assert render(configuration, before, 2000) == before
    assert list(render(configuration, before, 2000)) == list(before)


def test_every_file_ends_with_a_line_end(tmp_path):
    """Postfix ignores the last line of a table without one in some maps, and diff complains."""
    tree = render(configure(tmp_path, minimal()), {}, 1000)
    assert all(text.endswith("\n") and not text.endswith("\n\n") for text in tree.values())


def test_of_service_takes_one_directory():
    """Names lose the service; a service with no files has none."""
    tree = {"bind/named.conf": "a", "bindings/x": "b", "filter/filter.toml": "c"}
    assert of_service(tree, "bind") == {"named.conf": "a"}
    assert of_service(tree, "postfix-pre") == {}
