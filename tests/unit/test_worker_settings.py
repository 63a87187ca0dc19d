"""The worker's settings file, read and checked."""

from ipaddress import ip_network

import pytest

from gateway import worker_settings
from gateway.message.policy import Policy
from gateway.worker_settings import SettingsError, load


def test_load_all_keys_are_read(settings):
    """Each in its own type."""
    loaded = load(settings(next_hops='["198.18.25.69:10026", "[::1]:10026", "gate2:10026"]', drain_timeout_s="0.5"))
    assert loaded.next_hops == (("198.18.25.69", 10026), ("::1", 10026), ("gate2", 10026))
    assert loaded.drain_timeout_s == 0.5
    assert loaded.xforward_peers == {"127.0.0.1"}
    assert loaded.policies == {"default": Policy("default"), "strict": Policy("strict", ("gtube",))}
    assert loaded.inside == (ip_network("192.0.2.0/24"),)
    assert (loaded.doors, loaded.quarantine) == ({}, "/nonexistent")
    assert (loaded.checks["gtube"].name, loaded.checks["gtube"].timeout_s) == ("gtube", 20)


def test_load_doors_are_where_gate_2_listens(settings):
    """By the next hop that a policy redirects to."""
    path = settings()
    text = path.read_text().replace("[doors]\n", '[doors]\n"[192.0.2.7]:25" = "198.18.25.69:10027"\n')
    path.write_text(text.replace('checks = ["gtube"]', 'checks = ["gtube"]\noutside = "redirect:[192.0.2.7]:25"'))
    assert load(path).doors == {"[192.0.2.7]:25": (("198.18.25.69", 10027),)}


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("next_hops", "[]", '[]; expected a list of one or more "host:port"'),
        ("next_hops", '["gate2"]', "['gate2']; expected a list of one or more \"host:port\""),
        ("next_hops", '["gate2:0"]', "['gate2:0']; expected a list of one or more \"host:port\""),
        ("next_hops", "[1]", '[1]; expected a list of one or more "host:port"'),
        ("helo_name", '"a\\nb"', "'a\\nb'; expected a host name"),
        ("max_transactions", "0", "0; expected a whole number above 0"),
        ("max_transactions", "true", "True; expected a whole number above 0"),
        ("max_message_octets", "1.5", "1.5; expected a whole number above 0"),
        ("commit_timeout_s", '"540"', "'540'; expected seconds, above 0 and below a day"),
        ("commit_timeout_s", "nan", "nan; expected seconds, above 0 and below a day"),
        ("log_format", '"xml"', "'xml'; expected human or json"),
        ("xforward_peers", '"198.18.25.35"', "'198.18.25.35'; expected a list of addresses"),
        ("inside", '["lan"]', "['lan']; expected 'lan' does not appear to be an IPv4 or IPv6 network"),
        ("inside", '"192.0.2.0/24"', "'192.0.2.0/24'; expected a list of networks"),
        ("quarantine", "1", "1; expected text"),
    ],
)
def test_load_bad_value_is_refused(settings, key, value, complaint):
    """With file, key, what is wrong and what is expected."""
    path = settings(**{key: value})
    with pytest.raises(SettingsError) as refused:
        load(path)
    assert str(refused.value) == f"{path}: {key}: {complaint}"


def test_load_all_mistakes_come_together(settings):
    """Unknown, missing and wrong ones."""
    path = settings(helo_name="1")
    path.write_text(path.read_text().replace("max_recipients = 1000\n", "max_recipents = 1000\n"))
    with pytest.raises(SettingsError) as refused:
        load(path)
    assert [line.removeprefix(f"{path}: ") for line in str(refused.value).splitlines()] == [
        "max_recipents: unknown key",
        "helo_name: 1; expected a host name",
        "max_recipients: missing",
    ]


def together(settings, *replacements):
    """Give the complaints about a file whose keys are fine one by one."""
    path = settings()
    text = path.read_text()
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    with pytest.raises(SettingsError) as refused:
        load(path)
    return [line.removeprefix(f"{path}: ") for line in str(refused.value).splitlines()]


def test_load_policy_with_an_unknown_check_is_refused(settings):
    """It would pass what it was to stop."""
    assert together(settings, ('["gtube"]', '["gtube", "nonesuch"]')) == [
        "policies: nonesuch in checks of policy strict; expected a name in checks"
    ]


def test_load_policy_that_may_hold_wants_a_quarantine(settings):
    """Whatever its outcomes: a rejection of mail from <> holds."""
    replaced = ('quarantine = "/nonexistent"', 'quarantine = ""'), ('["gtube"]', '["gtube"]\noutside = "reject"')
    assert together(settings, *replaced) == [
        "quarantine: ''; expected a directory, for a policy with checks may hold a message"
    ]
    path = settings(quarantine='""')
    path.write_text(path.read_text().replace('["gtube"]', "[]"))
    assert load(path).quarantine == ""


def test_load_redirect_without_a_door_is_refused(settings):
    """The next hop is reached through gate 2, or not at all."""
    assert together(settings, ('["gtube"]', '["gtube"]\noutside = "redirect:[192.0.2.7]:25"')) == [
        "policies: redirect to [192.0.2.7]:25 in policy strict; expected an address, or a name in doors"
    ]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (
            "timeout_s = 0",
            "{'gtube': {'timeout_s': 0}}; expected timeout_s in seconds, above 0 and below a day in check gtube",
        ),
        ("[checks.nonesuch]", "{'gtube': {}, 'nonesuch': {}}; expected timeout_s in seconds"),
    ],
)
def test_load_check_that_does_not_fit_is_refused(settings, line, complaint):
    """With its name."""
    (mistake,) = together(settings, ("timeout_s = 20", line))
    assert mistake.startswith(f"checks: {complaint}")


def test_load_long_value_is_not_repeated_whole(settings):
    """A complaint is for people."""
    (mistake,) = together(settings, ("timeout_s = 20", "x = " + repr(["y" * 50] * 50).replace("'", '"')))
    assert len(mistake) < 300


def test_load_no_time_before_the_commit_is_refused(settings):
    """The dot must have left while commit_timeout_s remains."""
    path = settings(transaction_timeout_s="540")
    with pytest.raises(SettingsError) as refused:
        load(path)
    assert str(refused.value) == f"{path}: transaction_timeout_s: expected more than commit_timeout_s"
    assert load(settings(transaction_timeout_s="541")).search_timeout_s == 1


def test_load_no_toml_is_refused(tmp_path):
    """Absent, or not to be parsed."""
    with pytest.raises(SettingsError, match="No such file"):
        load(tmp_path / "filter.toml")
    (tmp_path / "filter.toml").write_text("next_hops = [")
    with pytest.raises(SettingsError, match=r"filter.toml: .*at end of document"):
        load(tmp_path / "filter.toml")


def test_readers_there_is_one_for_each_key():
    """A new key cannot be forgotten."""
    known = worker_settings.fields(worker_settings.WorkerSettings)
    assert list(worker_settings._READERS) == [field.name for field in known]
