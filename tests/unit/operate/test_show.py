"""What an operator sees."""

from __future__ import annotations

import io

from rich.console import Console

from gateway.operate import show
from gateway.render.plan import Change
from tests.configurations import configure, minimal

EXTRA = (
    '[networks]\nlan = ["10.20.0.0/24"]\n'
    '[listen.inside]\naddresses = ["10.20.0.1:25"]\nnetworks = ["lan"]\nfilter = false\n'
    '[listen.both]\naddresses = ["10.20.0.1:26", "10.20.0.2:26"]\ntrusted = ["lan"]\n'
    "[listen.later]\n"
    '[domains."corp.test"]\ndeliver = "relay"\nnext_hop = "[192.0.2.25]:25"\n'
    '[domains."any.test"]\ndeliver = "relay"\nnext_hop = "any.example.org"\nrecipients = "any"\n'
    '[domains."list.test"]\ndeliver = "alias"\n[aliases]\n"a@list.test" = ["b@else.test"]\n'
)


def printed(what, *arguments, terminal=False):
    """Return what a function prints on a console of 120 columns."""
    file = io.StringIO()
    what(Console(file=file, width=120, force_terminal=terminal), *arguments)
    return file.getvalue()


def test_as_data_of_every_kind_of_listener_and_domain(tmp_path):
    """Who may connect, what is accepted, and where it goes."""
    data = show.as_data(configure(tmp_path, minimal(EXTRA, gateway='relayhost = "[smart.test]:587"')))
    assert data == {
        "hostname": "mx.example.test",
        "outbound_hostname": "out.mx.example.test",
        "listeners": [
            {
                "name": "outside",
                "addresses": ["127.0.0.1:2525"],
                "container": "198.18.25.3:2525",
                "accepts": "anyone: mail to our domains",
                "goes": "gate 1, filter, gate 2",
            },
            {
                "name": "inside",
                "addresses": ["10.20.0.1:25"],
                "container": "198.18.25.3:25",
                "accepts": "clients in lan: mail to anywhere",
                "goes": "gate 1, gate 2 (not filtered)",
            },
            {
                "name": "both",
                "addresses": ["10.20.0.1:26", "10.20.0.2:26"],
                "container": "198.18.25.3:26",
                "accepts": "anyone: mail to our domains; clients in lan: to anywhere",
                "goes": "gate 1, filter, gate 2",
            },
            {
                "name": "later",
                "addresses": [],
                "container": "198.18.25.3:1025",
                "accepts": "anyone: mail to our domains",
                "goes": "gate 1, filter, gate 2",
            },
        ],
        "domains": [
            {"name": "example.test", "accepts": "listed recipients", "goes": "Maildir in volume mail"},
            {"name": "corp.test", "accepts": "recipients the next hop knows", "goes": "[192.0.2.25]:25"},
            {"name": "any.test", "accepts": "any recipient", "goes": "any.example.org"},
            {"name": "list.test", "accepts": "listed recipients", "goes": "by [aliases]"},
        ],
        "mailstore": {"imaps": [], "managesieve": []},
        "outbound": "[smart.test]:587",
    }


def test_table_prints_next_hops_as_they_are(tmp_path):
    """A next hop in brackets must not be taken for markup."""
    text = printed(show.table, configure(tmp_path, minimal(EXTRA)))
    assert "│ by [aliases] " in text
    assert "│ [192.0.2.25]:25 " in text
    assert "│ not published " in text
    assert "│ any other    │ from trusted networks         │ by MX" in text


def test_mailstore_is_told_of(tmp_path):
    """Who delivers, and where people read their mail."""
    store = '[mailstore]\nenabled = true\nimaps = ["192.0.2.1:993", "192.0.2.2:993"]\n'
    text = printed(show.table, configure(tmp_path, minimal(EXTRA + store)))
    assert "│ Dovecot: scripts, then the Maildir in volume mail │" in text
    assert "│ imaps    │ 192.0.2.1:993 │\n│          │ 192.0.2.2:993 │" in text
    assert "managesieve" not in text


def test_table_prints_a_bracketed_name_as_it_is(tmp_path):
    """[mail] is a word in markup, and a host in Postfix."""
    text = minimal('[domains."corp.test"]\ndeliver = "relay"\nnext_hop = "[mail]"\n')
    assert "[mail]" in printed(show.table, configure(tmp_path, text))


def test_plan_prints_the_diff_as_it_is():
    """No wrapping, no markup, no highlighting: the diff can be fed to patch."""
    line = "+" + "x" * 300 + " [bold]\n"
    assert printed(show.plan, line, [], []) == f"{line}Nothing that runs would change.\n"


def test_plan_prints_a_row_per_service():
    """Service, action, files; then what does not run."""
    text = printed(show.plan, "", [Change("bind", "reload", ["db.x", "named.conf"])], ["filter", "postfix-post"])
    assert "│ bind    │ reload │ db.x, named.conf │" in text
    assert text.endswith("Not running, takes the new files when it starts: filter, postfix-post\n")


def test_plan_says_why_a_container_is_recreated():
    """The engine's reasons go before the files."""
    text = printed(show.plan, "", [Change("filter", "recreate", ["filter.toml"])], [])
    assert "│ filter  │ recreate │ image, ports, addresses or memory, filter.toml │" in text


def test_plan_is_coloured_on_a_terminal():
    """Red and green, and nothing lost."""
    text = printed(show.plan, "-a\n+b\n", [], [], terminal=True)
    assert "\x1b[" in text
    assert "+b" in text


def test_as_data_of_a_listener_with_a_policy(tmp_path):
    """The policy that is given for all is named; none goes past the filter."""
    extra = (
        '[networks]\nlan = ["10.20.0.0/24"]\n[policies.soft]\n[listen.soft]\npolicy = "soft"\n'
        '[listen.past]\nnetworks = ["lan"]\npolicy = "none"\n'
    )
    listeners = show.as_data(configure(tmp_path, minimal(extra)))["listeners"]
    assert {row["name"]: row["goes"] for row in listeners} == {
        "outside": "gate 1, filter, gate 2",
        "soft": "gate 1, filter (soft), gate 2",
        "past": "gate 1, gate 2 (not filtered)",
    }


def test_table_tells_of_people_who_log_in(tmp_path):
    """They are who mail to other sites is taken from, beside trusted networks."""
    logins = '[listen.submission]\naddresses = ["10.20.0.1:587"]\nauth = true\n'
    shown = printed(show.table, configure(tmp_path, minimal(logins)))
    assert "people who log in: mail to anywhere, as themselves" in shown
    assert "from people who log in" in shown
    assert "from trusted networks and people who log in" in printed(
        show.table, configure(tmp_path, minimal(EXTRA + logins))
    )
