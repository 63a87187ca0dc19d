"""What gate 1 is told."""

from __future__ import annotations

import re

import pytest

from gateway.render.postfix import (
    listeners,
    render_pre,
)
from tests.configurations import LAN, RELAY, configure, entries, minimal, parameters

LONG_HEADER = "pcre:{ { /^(?:.{32768}){32}/ REJECT 5.3.4 Header field too long } }"


def test_pre_has_every_file_whatever_is_used(tmp_path):
    """A process that starts between two generations finds every table it names."""
    files = render_pre(configure(tmp_path, minimal()))
    assert sorted(files) == [
        "body_checks",
        "bridge_gateways",
        "client_patterns",
        "header_checks",
        "main.cf",
        "master.cf",
        "recipient_patterns",
        "relay_recipients",
        "sender_access",
        "sender_logins",
        "sender_patterns",
        "sender_policies",
        "transport",
        "verified_domains",
    ]


def test_pre_main_cf_of_the_smallest_file(tmp_path):
    """Nobody is trusted, nothing is delivered here, and everything goes to the filter by literal address."""
    main_cf = parameters(render_pre(configure(tmp_path, minimal()))["main.cf"])
    assert main_cf["mynetworks"] == main_cf["mydestination"] == ""
    assert main_cf["relay_domains"] == "example.test mx.example.test out.mx.example.test"
    assert main_cf["relay_transport"] == main_cf["default_transport"] == "scan-default:[198.18.25.36]:10025"
    assert "content_filter" not in main_cf
    assert main_cf["sender_dependent_default_transport_maps"] == "texthash:$config_directory/sender_policies"
    assert main_cf["message_size_limit"] == "52428800"
    assert main_cf["inet_protocols"] == "ipv4"
    assert main_cf["smtpd_relay_restrictions"] == (
        "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination"
    )
    assert main_cf["smtpd_sender_restrictions"] == (
        "check_sender_access pcre:{ { /[[:cntrl:]]|^.{255}/ 501 5.1.7 Bad address syntax } } "
        "reject_non_fqdn_sender permit_mynetworks permit_sasl_authenticated "
        "check_sender_access texthash:$config_directory/sender_access reject_unknown_sender_domain"
    )
    assert main_cf["smtpd_recipient_restrictions"] == (
        "check_recipient_access pcre:{ { /[[:cntrl:]]|^.{255}/ 501 5.1.3 Bad address syntax } } "
        "reject_non_fqdn_recipient reject_unlisted_recipient permit_mynetworks permit_sasl_authenticated"
    )
    assert main_cf["header_checks"] == LONG_HEADER
    assert main_cf["disable_mime_input_processing"] == "yes"
    assert main_cf["message_drop_headers"] == ""
    for absent in ("body_checks", "address_verify_map", "recipient_delimiter"):
        assert absent not in main_cf


def test_pre_with_ipv6_keeps_both_protocols(tmp_path):
    """The default of inet_protocols is all."""
    outside = 'addresses = ["[2001:db8::1]:25"]'
    files = render_pre(configure(tmp_path, minimal(outside=outside)))
    assert "inet_protocols" not in parameters(files["main.cf"])
    assert entries(files["bridge_gateways"]) == [
        "198.18.25.1 WARN client address hidden by the container engine",
        "fd53:616c:c612:1900::1 WARN client address hidden by the container engine",
    ]


def test_pre_without_require_dns_asks_no_dns_for_senders(tmp_path):
    """[senders] require_dns = false is for sites without DNS of their own."""
    main_cf = render_pre(configure(tmp_path, minimal("[senders]\nrequire_dns = false\n")))["main.cf"]
    assert "reject_unknown_sender_domain" not in main_cf


def test_pre_blocklists_are_asked_last_and_by_answer(tmp_path):
    """127.255.255.x never lists a client; a list without answers means all other 127.x ones."""
    lists = '[dnsbl]\nlists = ["zen.example.test=127.0.0.[2..11]", "bl.example.test"]\n'
    main_cf = parameters(render_pre(configure(tmp_path, minimal(lists)))["main.cf"])
    assert main_cf["smtpd_recipient_restrictions"].partition("permit_sasl_authenticated ")[2] == (
        "warn_if_reject reject_rbl_client zen.example.test=127.255.255.[0..255] "
        "reject_rbl_client zen.example.test=127.0.0.[2..11] "
        "warn_if_reject reject_rbl_client bl.example.test=127.255.255.[0..255] "
        "reject_rbl_client bl.example.test=127.[0..254].[0..255].[0..255]"
    )


def test_pre_verified_domains_probe_past_the_filter(tmp_path):
    """Probes must not be transactions of the filter; an unknown user is a rejection, not a deferral."""
    files = render_pre(configure(tmp_path, minimal(f'[domains."corp.test"]\n{RELAY}')))
    main_cf = parameters(files["main.cf"])
    assert main_cf["smtpd_recipient_restrictions"].endswith(
        "check_recipient_access texthash:$config_directory/verified_domains"
    )
    assert main_cf["address_verify_relay_transport"] == "direct:[198.18.25.101]:10026"
    assert main_cf["address_verify_transport_maps"] == ""
    assert main_cf["unverified_recipient_reject_code"] == "550"
    assert entries(files["verified_domains"]) == ["corp.test reject_unverified_recipient"]


def test_pre_has_one_transport_per_policy(tmp_path):
    """The policy travels as the HELO name; the process limit is the filter's number of slots."""
    extra = '[policies.default]\n[policies.strict]\nchecks = ["gtube"]\n[filter]\nworkers = 3\nmax_transactions = 10\n'
    files = render_pre(configure(tmp_path, minimal(extra, domain='policy = "strict"')))
    main_cf = parameters(files["main.cf"])
    for policy in ("default", "strict"):
        assert main_cf[f"scan-{policy}_destination_concurrency_limit"] == "9"
        assert main_cf[f"scan-{policy}_initial_destination_concurrency"] == "9"
        assert main_cf[f"scan-{policy}_destination_recipient_limit"] == "1000"
        assert f"\nscan-{policy} unix - -       n       -       9      smtp\n" in files["master.cf"]
        assert f"\n  -o smtp_helo_name={policy}.policy.invalid\n" in files["master.cf"]
    assert entries(files["transport"]) == ["example.test scan-strict:[198.18.25.36]:10025"]


def test_pre_master_cf_listeners(tmp_path):
    """Each listener is its own smtpd with its own trust; unfiltered ones go straight to gate 2."""
    extra = LAN + (
        '[listen.inside]\naddresses = ["10.20.0.1:25"]\nnetworks = ["lan"]\nfilter = false\n'
        '[listen.both]\naddresses = ["10.20.0.1:26"]\ntrusted = ["lan"]\n'
    )
    master_cf = render_pre(configure(tmp_path, minimal(extra)))["master.cf"]
    assert master_cf.partition("# [listen.outside]\n")[2].partition("pickup ")[0] == (
        "198.18.25.3:2525 inet n - n - - smtpd\n"
        "  -o syslog_name=postfix-pre/outside\n"
        "# [listen.inside]\n"
        "198.18.25.3:25 inet n - n - - smtpd\n"
        "  -o syslog_name=postfix-pre/inside\n"
        "  -o mynetworks=$listen_inside_networks\n"
        "  -o { smtpd_client_restrictions = check_client_access cidr:$config_directory/bridge_gateways, "
        "permit_mynetworks, reject }\n"
        "  -o cleanup_service_name=cleanup-inside\n"
        "  # policy, or filter = false: for all that comes in here. What is requeued goes by its recipients again.\n"
        "  -o content_filter=direct:[198.18.25.101]:10026\n"
        "# [listen.both]\n"
        "198.18.25.3:26 inet n - n - - smtpd\n"
        "  -o syslog_name=postfix-pre/both\n"
        "  -o mynetworks=$listen_both_networks\n"
    )
    assert "\ncleanup-inside unix n   -       n       -       0       cleanup\n" in master_cf
    assert "cleanup-inside" not in render_pre(configure(tmp_path, minimal()))["master.cf"]


def test_pre_sender_list(tmp_path):
    """Domain, sub-domains, address: folded to lower case, and a reply that names no list."""
    extra = '[senders]\nreject = ["Spam.example", ".bulk.example", "Pest@example.net"]\n'
    files = render_pre(configure(tmp_path, minimal(extra)))
    assert entries(files["sender_access"]) == ["spam.example REJECT", ".bulk.example REJECT", "pest@example.net REJECT"]


def test_pre_header_patterns_come_behind_the_length_limit(tmp_path):
    """Fields are put together whole then, nested ones as well."""
    text = minimal('[[patterns]]\nmatch = "header"\npattern = "a/b"\naction = "reject"\n')
    files = render_pre(configure(tmp_path, text))
    assert entries(files["header_checks"]) == [r"/a\/b/ REJECT"]
    assert entries(files["body_checks"]) == []
    main_cf = parameters(files["main.cf"])
    assert main_cf["header_checks"] == f"{LONG_HEADER} pcre:$config_directory/header_checks"
    assert "body_checks" not in main_cf
    assert "disable_mime_input_processing" not in main_cf


def test_pre_envelope_patterns_are_for_everybody_whose_recipient_is_taken(tmp_path):
    """Before clients that may relay are let off, and behind what refuses a recipient; header patterns are none."""
    tables = [
        f'[[patterns]]\nmatch = "{match}"\npattern = "x"\naction = "hold"\n'
        for match in ("recipient", "client", "sender")
    ]
    files = render_pre(configure(tmp_path, minimal("".join(tables))))
    main_cf = parameters(files["main.cf"])
    assert main_cf["smtpd_recipient_restrictions"].partition("reject_non_fqdn_recipient ")[2] == (
        "reject_unlisted_recipient check_client_access pcre:$config_directory/client_patterns "
        "check_sender_access pcre:$config_directory/sender_patterns "
        "check_recipient_access pcre:$config_directory/recipient_patterns permit_mynetworks permit_sasl_authenticated"
    )
    assert main_cf["disable_mime_input_processing"] == "yes"
    for number, match in enumerate(("recipient", "client", "sender"), 1):
        assert entries(files[f"{match}_patterns"]) == [f"/x/ HOLD matches number {number} of [[patterns]]"]


def test_pre_listener_with_a_policy_filters_all_by_it(tmp_path):
    """content_filter stands above the domain's policy."""
    extra = LAN + (
        '[policies.soft]\n[listen.soft]\naddresses = ["10.20.0.1:25"]\npolicy = "soft"\n'
        '[listen.past]\naddresses = ["10.20.0.1:26"]\nnetworks = ["lan"]\npolicy = "none"\n'
    )
    configuration = configure(tmp_path, minimal(extra))
    views = listeners(configuration.settings, configuration.topology)
    assert [listener.content_filter for listener in views] == [
        "",
        "scan-soft:[198.18.25.36]:10025",
        "direct:[198.18.25.101]:10026",
    ]


@pytest.mark.parametrize(
    ("match", "more"),
    [
        ("client", ""),
        (
            "header",
            "  # [[patterns]] have looked at what they quote.\n  -o disable_mime_input_processing=yes\n",
        ),
        (
            "body",
            "  # [[patterns]] have looked at what they quote.\n  -o disable_mime_input_processing=yes\n"
            "  -o body_checks=\n",
        ),
    ],
)
def test_pre_reports_go_past_the_filter_by_who_writes_them(tmp_path, match, more):
    """The sender <> decides nothing, for clients may give it too; no pattern looks at what a report quotes."""
    text = minimal(f'[[patterns]]\nmatch = "{match}"\npattern = "x"\naction = "reject"\n')
    master_cf = render_pre(configure(tmp_path, text))["master.cf"]
    for service in ("bounce", "defer", "trace"):
        assert re.search(
            rf"^{service} +unix .* bounce\n  -o cleanup_service_name=cleanup-own\n"
            r"  -o internal_mail_filter_classes=bounce,notify\n",
            master_cf,
            re.MULTILINE,
        )
    assert master_cf.partition("\ncleanup-own unix n      -       n       -       0       cleanup\n")[2].startswith(
        f"  -o {{ header_checks = pcre:{{ {{ /^From: / FILTER direct:[198.18.25.101]:10026 }} }} }}\n{more}verify "
    )


def test_pre_body_patterns_only_warn_where_told(tmp_path):
    """A warning is logged and the message goes on."""
    text = minimal('[[patterns]]\nmatch = "body"\npattern = "casino"\naction = "warn"\n')
    files = render_pre(configure(tmp_path, text))
    assert entries(files["body_checks"]) == ["/casino/ WARN matches number 1 of [[patterns]]"]
    main_cf = parameters(files["main.cf"])
    assert main_cf["body_checks_size_limit"] == "2147483647"
    assert main_cf["header_checks"] == LONG_HEADER
    assert "disable_mime_input_processing" not in main_cf
