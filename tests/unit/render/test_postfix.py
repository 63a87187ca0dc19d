"""What both Postfix instances are told."""

from __future__ import annotations

import tomllib

import pytest

from gateway.render.filter import render_filter
from gateway.render.postfix import (
    ListenerView,
    aliases,
    known_recipients,
    listeners,
    recipients_of,
    render_post,
    render_pre,
)
from gateway.settings.models import Domain
from tests.configurations import LAN, RELAY, configure, entries, minimal, parameters


def view(tmp_path, text):
    """Return the listeners of a file."""
    configuration = configure(tmp_path, text)
    return listeners(configuration.settings, configuration.topology)


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
        ListenerView(
            "outside", ["198.18.25.3:2525"], "listen_outside_networks", [], inside_only=False, content_filter=""
        )
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
        content_filter="direct:[198.18.25.101]:10026",
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
    tables = configure(tmp_path, text + '[directory]\nurl = "sqlite:///mail"\n').settings
    assert "@gone.test" in known_recipients(tables), "its domain may be there, and is refused before if it is not"


def test_post_main_cf_of_the_smallest_file(tmp_path):
    """Only the filter and gate 1 may connect, the bridge gateways may not, and nothing is checked again."""
    main_cf = parameters(render_post(configure(tmp_path, minimal()))["main.cf"])
    assert main_cf["myhostname"] == "out.mx.example.test"
    assert main_cf["mynetworks"] == "!198.18.25.65, 198.18.25.64/27, !198.18.25.97, 198.18.25.96/27"
    assert main_cf["smtpd_client_restrictions"] == "permit_mynetworks, reject"
    assert main_cf["smtpd_relay_restrictions"] == ""
    assert main_cf["smtpd_recipient_restrictions"] == "permit_mynetworks reject"
    assert main_cf["smtpd_authorized_xforward_hosts"] == "198.18.25.68, 198.18.25.99"
    assert main_cf["smtpd_forbid_bare_newline_exclusions"] == ""
    assert main_cf["message_size_limit"] == str(52 * 2**20)
    assert main_cf["smtpd_timeout"] == "1140s"
    assert main_cf["virtual_mailbox_domains"] == "example.test"
    assert main_cf["virtual_alias_domains"] == "mx.example.test out.mx.example.test"
    assert main_cf["relay_domains"] == ""
    assert "proxy_interfaces" not in main_cf
    assert "relayhost" not in main_cf


def test_time_outs_nest_around_the_filters(tmp_path):
    """Reply and commit fit into the filter's transaction, and both gates wait longer than that."""
    configuration = configure(tmp_path, minimal('[filter]\ntransaction_timeout = "900s"\n'))
    told = tomllib.loads(render_filter(configuration)["filter.toml"])
    reply, commit, whole = (told[f"{name}_timeout_s"] for name in ("reply", "commit", "transaction"))
    assert reply + commit < whole == 900
    main_cf = parameters(render_pre(configuration)["main.cf"])
    waits = [main_cf[f"smtp_{wait}_timeout"] for wait in ("mail", "rcpt", "data_init", "data_xfer", "data_done")]
    assert min(int(wait.removesuffix("s")) for wait in waits) > whole
    assert int(parameters(render_post(configuration)["main.cf"])["smtpd_timeout"].removesuffix("s")) > whole


def test_post_proxy_interfaces_are_ipv4(tmp_path):
    """An IPv6 address there is fatal to every daemon of an instance that has IPv4 only."""
    outside = 'addresses = ["192.0.2.9:25", "192.0.2.1:25", "[2001:db8::1]:25", "127.0.0.1:26"]'
    main_cf = parameters(render_post(configure(tmp_path, minimal(outside=outside)))["main.cf"])
    assert main_cf["proxy_interfaces"] == "192.0.2.1, 192.0.2.9"


def test_post_delivers_by_kind_of_domain(tmp_path):
    """Maildirs below the domain, next hops by the relay transport, aliases with all their recipients."""
    text = minimal(
        f'[domains."corp.test"]\n{RELAY}[domains."list.test"]\ndeliver = "alias"\n'
        '[aliases]\n"all@list.test" = ["a@else.test", "b@else.test"]\n'
        '[canonical]\n"@old.test" = "@example.test"\n',
        gateway='relayhost = "[smarthost.test]:587"\nrecipient_delimiter = "+"',
    )
    files = render_post(configure(tmp_path, text))
    main_cf = parameters(files["main.cf"])
    assert entries(files["mailboxes"]) == ["postmaster@example.test example.test/postmaster/"]
    assert entries(files["transport"]) == ["corp.test relay:[192.0.2.25]:25"]
    assert entries(files["aliases"])[-1] == "all@list.test a@else.test, b@else.test"
    assert entries(files["canonical"]) == ["@old.test @example.test"]
    assert main_cf["relay_domains"] == "corp.test"
    assert main_cf["virtual_alias_domains"] == "list.test mx.example.test out.mx.example.test"
    assert main_cf["relayhost"] == "[smarthost.test]:587"
    assert main_cf["recipient_delimiter"] == "+"
    assert main_cf["smtpd_recipient_restrictions"] == (
        "check_client_access inline:{ { 198.18.25.99 = verify_recipient } } permit_mynetworks reject"
    )


def test_post_master_cf_limits_the_reinject_listener(tmp_path):
    """At least as many processes as the filter has transactions."""
    master_cf = render_post(configure(tmp_path, minimal()))["master.cf"]
    assert "\n198.18.25.69:10026 inet n - n - 20 smtpd\n" in master_cf
    assert "\n198.18.25.101:10026 inet n - n - - smtpd\n" in master_cf


def test_post_has_a_door_for_each_redirect(tmp_path):
    """Whatever comes in there goes to that next hop, with the envelope that the filter saw."""
    extra = '[policies.default]\nchecks = ["gtube"]\noutside = "redirect:[scrap.test]:2525"\n'
    assert "10027" not in render_post(configure(tmp_path, minimal()))["master.cf"]
    master_cf = render_post(configure(tmp_path, minimal(extra)))["master.cf"]
    assert (
        "\n198.18.25.69:10027 inet n - n - 20 smtpd\n"
        "  -o syslog_name=postfix-post/redirect\n"
        "  -o content_filter=relay:[scrap.test]:2525\n"
        "  -o receive_override_options=no_unknown_recipient_checks,no_address_mappings\n"
    ) in master_cf
