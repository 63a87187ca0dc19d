"""Where the rules about logins and TLS begin to object."""

import pytest

AUTH = {"addresses": ["192.0.2.1:587"], "auth": True}


@pytest.mark.parametrize(
    "listener",
    [
        AUTH,
        AUTH | {"tls": "implicit", "hide_client": True, "logins_per_minute": 0, "recipients_per_hour": 100},
        AUTH | {"policy": "default"},
        AUTH | {"filter": True},
    ],
)
def test_listener_for_logins_is_fine(found, listener):
    """Either way of TLS, with a policy or with none."""
    assert found(listen__submission=listener) == []


@pytest.mark.parametrize("key", ["networks", "trusted"])
def test_second_way_in_is_refused(found, key):
    """A client that may relay by its address would need no password."""
    expected = "stands beside auth, where only a login counts; expected one of the two"
    assert found(listen__submission=AUTH | {key: ["lan"]}) == [(f"listen.submission.{key}", expected)]


@pytest.mark.parametrize(
    ("keys", "key", "expected"),
    [
        ({"filter": False}, "filter", "false beside auth, and mail of people is searched like any; expected true"),
        (
            {"policy": "none"},
            "policy",
            '"none" beside auth, and mail of people is searched like any; expected another',
        ),
    ],
)
def test_unfiltered_login_is_refused(found, keys, key, expected):
    """A stolen password would get anything past the filter."""
    assert found(listen__submission=AUTH | keys) == [(f"listen.submission.{key}", expected)]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("tls", "implicit"),
        ("tls", "starttls"),
        ("hide_client", True),
        ("logins_per_minute", 5),
        ("recipients_per_hour", 5),
    ],
)
def test_keys_of_logins_without_a_login_are_refused(found, key, value):
    """They would be ignored."""
    expected = "means nothing without a login; expected auth = true beside it"
    assert found(**{f"listen__outside__{key}": value}) == [(f"listen.outside.{key}", expected)]


@pytest.mark.parametrize(("key", "other"), [("certificate", "key"), ("key", "certificate")])
def test_half_a_pair_is_refused(found, key, other):
    """One of the two is of no use."""
    assert found(tls={key: "a.pem"}) == [(f"tls.{key}", f"stands without {other}; expected both or neither")]


@pytest.mark.parametrize("hop", ["corp.test", "[mail.corp.test]:25", "[sink]"])
def test_next_hop_by_name_may_be_verified(found, hop):
    """A certificate or a TLSA record can be for it."""
    assert found(tls__policies={hop: "secure"}) == found(tls__policies={hop: "dane"}) == []


@pytest.mark.parametrize("level", ["secure", "dane"])
def test_address_cannot_be_verified(found, level):
    """No certificate is for it; without verification it is fine."""
    expected = f'"{level}" for an address, which no certificate is for; expected "encrypt", or a next hop by name'
    assert found(tls__policies={"[192.0.2.25]:25": level}) == [("tls.policies.[192.0.2.25]:25", expected)]
    assert found(tls__policies={"[192.0.2.25]:25": "encrypt"}) == []


def test_dane_without_validation_is_refused(found):
    """It would silently mean may."""
    expected = '"dane" needs validated answers; expected dnssec_validation = true, or another level'
    assert found(tls__policies={"x.test": "dane"}, dns__dnssec_validation=False) == [("tls.policies.x.test", expected)]


def test_authorities_that_nobody_asks_are_refused(found):
    """Only secure looks at who has signed."""
    assert found(tls__authorities="ca.pem", tls__policies={"x.test": "secure"}) == []
    expected = 'is not asked about anything; expected "secure" in policies'
    assert found(tls__authorities="ca.pem") == [("tls.authorities", expected)]
