"""What both Postfix instances are told, and what their files are made of; each alone: test_postfix_pre, _post."""

from __future__ import annotations

import re
import tomllib
from ipaddress import ip_address

import pytest

from gateway.render.filter import render_filter
from gateway.render.postfix import (
    ListenerView,
    aliases,
    hop,
    known_recipients,
    listeners,
    outbound_hostname,
    recipients_of,
    render_post,
    render_pre,
    slots,
    worker_transactions,
)
from gateway.settings.grammar import SocketAddress
from gateway.settings.models import Domain, Filter
from tests.configurations import LAN, RELAY, configure, minimal, parameters


def view(tmp_path, text):
    """Return the listeners of a file."""
    configuration = configure(tmp_path, text)
    return listeners(configuration.settings, configuration.topology)


def test_hop_puts_the_address_in_brackets():
    """Brackets mean: no MX lookup."""
    assert hop(SocketAddress(ip_address("198.18.25.36"), 10025)) == "[198.18.25.36]:10025"


@pytest.mark.parametrize(
    ("workers", "most", "share", "all_slots"), [(2, 10, 5, 10), (3, 10, 3, 9), (1, 1, 1, 1), (64, 500, 7, 448)]
)
def test_slots_are_whole_shares(tmp_path, workers, most, share, all_slots):
    """Gate 1 must not have more transactions under way than the workers take."""
    settings = configure(tmp_path, minimal()).settings
    settings = settings.model_copy(update={"filter": Filter(workers=workers, max_transactions=most)})
    assert worker_transactions(settings) == share
    assert slots(settings) == all_slots


def test_outbound_hostname_is_derived_unless_set(tmp_path):
    """The gates have two names, so that neither takes the other for itself."""
    assert outbound_hostname(configure(tmp_path, minimal()).settings) == "out.mx.example.test"
    text = minimal(gateway='outbound_hostname = "relay.example.test"')
    assert outbound_hostname(configure(tmp_path, text).settings) == "relay.example.test"


@pytest.mark.parametrize(
    ("domain", "how"),
    [
        (Domain(deliver="mailbox"), "list"),
        (Domain(deliver="alias"), "list"),
        (Domain(deliver="relay"), "verify"),
        (Domain(deliver="relay", recipients="any"), "any"),
        (Domain(deliver="relay", recipients="list"), "list"),
    ],
)
def test_recipients_of_a_relay_domain_are_verified_unless_told(domain, how):
    """Without a word of the operator no backscatter is made."""
    assert recipients_of(domain) == how


def test_listeners_outside_trusts_nobody(tmp_path):
    """The plain listener: one socket on the edge network, on the port of its address."""
    assert view(tmp_path, minimal()) == [
        ListenerView("outside", ["198.18.25.3:2525"], "listen_outside_networks", [], inside_only=False, direct=False)
    ]


def test_listeners_inside_list_their_networks(tmp_path):
    """Networks in Postfix's notation; a parameter name has no hyphen."""
    extra = LAN + '[listen.in-side]\naddresses = ["10.20.0.1:25"]\nnetworks = ["lan"]\nfilter = false\n'
    assert view(tmp_path, minimal(extra))[1] == ListenerView(
        "in-side",
        ["198.18.25.3:25"],
        "listen_in_side_networks",
        ["10.20.0.0/24", "[fd00:20::]/64"],
        inside_only=True,
        direct=True,
    )


def test_listeners_with_ipv6_listen_on_both(tmp_path):
    """A listener has a socket for each IP version of its addresses, and for no other."""
    outside = 'addresses = ["192.0.2.1:25", "[2001:db8::1]:25"]'
    six = '[listen.six]\naddresses = ["[2001:db8::2]:25"]\n'
    views = view(tmp_path, minimal(six, outside=outside))
    assert [v.sockets for v in views] == [
        ["198.18.25.3:25", "[fd53:616c:c612:1900::3]:25"],
        ["[fd53:616c:c612:1900::3]:1025"],
    ]


@pytest.mark.parametrize("name", ["permit-mx-backup", "smtpd-sasl-exceptions", "my"])
def test_listener_never_sets_a_parameter_of_postfix(tmp_path, name):
    """permit_mx_backup_networks and its like are Postfix's own."""
    extra = LAN + f'[listen.{name}]\naddresses = ["10.20.0.1:25"]\nnetworks = ["lan"]\n'
    main_cf = parameters(render_pre(configure(tmp_path, minimal(extra)))["main.cf"])
    added = main_cf.keys() - parameters(render_pre(configure(tmp_path, minimal()))["main.cf"]).keys()
    assert added == {f"listen_{name.replace('-', '_')}_networks"}


def test_aliases_give_each_domain_a_postmaster(tmp_path):
    """RFC 5321 section 4.5.1; an address of the file or a mailbox stays what it is."""
    text = minimal(
        '[domains."list.test"]\ndeliver = "alias"\n[aliases]\n"all@list.test" = ["a@else.test", "b@else.test"]\n'
    )
    assert aliases(configure(tmp_path, text).settings) == {
        "postmaster@list.test": ["postmaster@example.test"],
        "postmaster@mx.example.test": ["postmaster@example.test"],
        "postmaster@out.mx.example.test": ["postmaster@example.test"],
        "all@list.test": ["a@else.test", "b@else.test"],
    }


def test_aliases_keep_mailboxes_out_of_a_catch_all(tmp_path):
    """Postfix looks for aliases first, so @domain would take every mailbox's mail."""
    text = minimal('[aliases]\n"@example.test" = ["who@else.test"]\n').replace(
        '["postmaster@example.test"]\n', '["postmaster@example.test", "anna@example.test"]\n'
    )
    made = aliases(configure(tmp_path, text).settings)
    assert made["anna@example.test"] == ["anna@example.test"]
    assert made["postmaster@example.test"] == ["postmaster@example.test"]
    assert made["@example.test"] == ["who@else.test"]


def test_aliases_keep_listed_recipients_out_of_a_catch_all(tmp_path):
    """The same in a relay domain whose recipients are listed."""
    text = minimal(
        f'[domains."known.test"]\n{RELAY}recipients = "list"\nrecipient_list = ["a@known.test"]\n'
        '[aliases]\n"@known.test" = ["postmaster@example.test"]\n'
    )
    assert aliases(configure(tmp_path, text).settings)["a@known.test"] == ["a@known.test"]


def test_known_recipients_are_what_gate_2_can_deliver(tmp_path):
    """Each kind of domain; nobody twice."""
    text = minimal(
        f'[domains."verify.test"]\n{RELAY}[domains."any.test"]\n{RELAY}recipients = "any"\n'
        f'[domains."list.test"]\n{RELAY}recipients = "list"\nrecipient_list = ["a@list.test"]\n'
        '[aliases]\n"sales@example.test" = ["x@else.test"]\n'
        '[canonical]\n"old@example.test" = "sales@example.test"\n"@gone.test" = "@else.test"\n'
    )
    assert known_recipients(configure(tmp_path, text).settings) == [
        "postmaster@example.test",
        "postmaster@mx.example.test",
        "postmaster@out.mx.example.test",
        "sales@example.test",
        "old@example.test",
        "@verify.test",
        "@any.test",
        "a@list.test",
    ]


def test_time_outs_nest_around_the_filters(tmp_path):
    """Reply and commit fit into the filter's transaction, and both gates wait longer than that."""
    configuration = configure(tmp_path, minimal('[filter]\ntransaction_timeout = "900s"\n'))
    told = tomllib.loads(render_filter(configuration)["filter.toml"])
    reply, commit, whole = (told[f"{name}_timeout_s"] for name in ("reply", "commit", "transaction"))
    assert reply + commit < whole == 900
    done = re.search(r"smtp_data_done_timeout=(\d+)s", render_pre(configuration)["master.cf"])
    assert done and int(done[1]) > whole
    assert int(parameters(render_post(configuration)["main.cf"])["smtpd_timeout"].removesuffix("s")) > whole
