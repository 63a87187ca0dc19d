"""Rules about [listen.*] auth and [tls]: what would let people in without a login, or keep all of them out."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from gateway.settings.crosscheck.rule import Given, Rule, reads
from gateway.settings.mistakes import Problem
from gateway.settings.policies import NONE

_OF_LOGINS = ("tls", "hide_client", "logins_per_minute", "recipients_per_hour")


@reads("listen")
def login_is_the_only_trust(given: Given) -> Iterator[Problem]:
    """An address that may relay without a login is a second door beside the one with the lock."""
    for name, listener in given.settings.listen.items():
        for key in ("networks", "trusted"):
            if listener.auth and getattr(listener, key):
                what = "stands beside auth, where only a login counts; expected one of the two"
                yield Problem(("listen", name, key), what, ("listen", name, "auth"))


@reads("listen")
def people_are_searched_too(given: Given) -> Iterator[Problem]:
    """A stolen password would get anything past the filter."""
    for name, listener in given.settings.listen.items():
        if listener.auth and listener.forced == NONE:
            key, value, other = ("policy", '"none"', "another") if listener.filter else ("filter", "false", "true")
            what = f"{value} beside auth, and mail of people is searched like any; expected {other}"
            yield Problem(("listen", name, key), what, ("listen", name, "auth"))


@reads("listen")
def keys_of_logins_have_auth(given: Given) -> Iterator[Problem]:
    """Without auth nobody logs in: the key would be ignored, or the listener not be what it looks like."""
    for name, listener in given.settings.listen.items():
        for key in _OF_LOGINS:
            if not listener.auth and key in listener.model_fields_set:
                yield Problem(("listen", name, key), "means nothing without a login; expected auth = true beside it")


@reads("tls")
def certificate_has_a_key(given: Given) -> Iterator[Problem]:
    """One of the two is of no use to anybody."""
    tls = given.settings.tls
    for key, other in (("certificate", "key"), ("key", "certificate")):
        if getattr(tls, key) is not None and getattr(tls, other) is None:
            yield Problem(("tls", key), f"stands without {other}; expected both or neither")


@reads("tls")
def what_is_verified_has_a_name(given: Given) -> Iterator[Problem]:
    """A certificate and a TLSA record are for a name; mail to a bare address would wait until it is returned."""
    for hop, level in given.settings.tls.policies.items():
        if level in ("secure", "dane") and _is_address(hop):
            what = f'"{level}" for an address, which no certificate is for; expected "encrypt", or a next hop by name'
            yield Problem(("tls", "policies", hop), what)


@reads("tls", "dns")
def dane_has_validated_answers(given: Given) -> Iterator[Problem]:
    """TLSA records that nobody has validated do not count, and dane would silently mean may."""
    if not given.settings.dns.dnssec_validation:
        for hop, level in given.settings.tls.policies.items():
            if level == "dane":
                what = '"dane" needs validated answers; expected dnssec_validation = true, or another level'
                yield Problem(("tls", "policies", hop), what, ("dns", "dnssec_validation"))


@reads("tls")
def authorities_are_asked(given: Given) -> Iterator[Problem]:
    """Nothing but secure looks at who has signed."""
    tls = given.settings.tls
    if tls.authorities is not None and "secure" not in tls.policies.values():
        yield Problem(("tls", "authorities"), 'is not asked about anything; expected "secure" in policies')


def _is_address(hop: str) -> bool:
    try:
        ip_address(hop.rpartition("]")[0].removeprefix("["))
    except ValueError:
        return False
    return True


RULES: tuple[Rule, ...] = (
    login_is_the_only_trust,
    people_are_searched_too,
    keys_of_logins_have_auth,
    certificate_has_a_key,
    what_is_verified_has_a_name,
    dane_has_validated_answers,
    authorities_are_asked,
)
