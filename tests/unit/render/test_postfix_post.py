"""What gate 2 is told."""

from __future__ import annotations

from gateway.render.postfix import render_post
from tests.configurations import RELAY, configure, entries, minimal, parameters


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
