"""Loading: the golden files with their exact messages, the examples, and whatever octets a file may hold."""

import shutil
import tempfile
import tomllib
from ipaddress import ip_address
from pathlib import Path

import pytest
import tomlkit
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.settings.load import Configuration, Host, SettingsError, load
from tests.configurations import configure

ROOT = Path(__file__).parents[3]
BAD = sorted((ROOT / "tests/golden").glob("bad-*"))
GOOD = [ROOT / "config/gateway.toml", *sorted((ROOT / "config/examples").glob("*/gateway.toml"))]
SMALL = 'schema = 1\ngateway = {hostname = "mx.example.test", postmaster = "a@example.net"}\n'
BASE = (ROOT / "config/gateway.toml").read_text()


def load_text(text: str | bytes, **beside: str) -> Configuration:
    """Load a text from a directory of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gateway.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
        for name, content in beside.items():
            (Path(folder) / name).write_text(content)
        return load(path)


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_load_of_a_bad_file_reports_exactly_what_is_expected(case):
    """All mistakes come at once, sorted, each with its position."""
    with pytest.raises(SettingsError) as caught:
        load(case / "gateway.toml")
    assert f"{caught.value}\n" == (case / "expected.txt").read_text()


def test_load_of_golden_files_finds_them():
    """An empty list of cases would pass for nothing."""
    assert len(BAD) > 25


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.parent.name)
def test_load_of_a_shipped_file_succeeds(path):
    """What we ship as an example works as it is."""
    assert load(path).source == "gateway.toml"


def test_load_of_the_default_file_gives_what_its_comments_say():
    """The default works out of the box: one listener, mailboxes, nobody trusted."""
    loaded = load(GOOD[0])
    assert [str(address) for address in loaded.settings.listen["outside"].addresses] == ["127.0.0.1:2525"]
    assert loaded.settings.networks == {}
    assert loaded.settings.mailboxes.addresses == ["anna@example.test", "bob@example.test"]
    assert loaded.settings.policies["default"].checks == []
    assert (loaded.hosts, loaded.zone_files) == ((), {})


def test_load_with_every_comment_of_the_default_file_taken_out_succeeds(tmp_path):
    """What stands commented out in the default file is right, too."""
    text = "".join(
        line.removeprefix("# ") if line.startswith("# ") and _is_toml(line) else line
        for line in BASE.splitlines(keepends=True)
    )
    assert "[networks]" in text.splitlines()
    text = text.replace('hosts_file = "hosts"', "")
    shutil.copytree(ROOT / "config/commands", tmp_path / "commands")
    loaded = configure(tmp_path, text)
    assert loaded.settings.listen["inside"].filter is False
    assert loaded.settings.log.format == "json"


def _is_toml(line: str) -> bool:
    try:
        tomllib.loads(line.removeprefix("# "))
    except tomllib.TOMLDecodeError:
        return False
    return True


def test_load_of_hosts_merges_table_and_file_in_order():
    """[dns] hosts come first, then the lines of the file; aliases follow the PTR name."""
    text = BASE + (
        '[networks]\nlan = ["10.20.0.0/24"]\n[dns]\nhosts_file = "hosts"\n'
        'hosts = { "10.20.0.9" = "Printer.lan.test" }\n[dns.zones]\n"bl.test" = "zone"\n'
    )
    loaded = load_text(text, hosts="10.20.0.10 web1.lan.test web1 www.lan.test\r\n", zone="$TTL 60\n")
    assert loaded.hosts == (
        Host(ip_address("10.20.0.9"), ("printer.lan.test",)),
        Host(ip_address("10.20.0.10"), ("web1.lan.test", "www.lan.test")),
    )
    assert loaded.zone_files == {"bl.test": "$TTL 60\n"}


def test_load_of_crlf_line_ends_is_the_same_as_of_lf():
    """An editor on another system changes nothing."""
    assert load_text(BASE.replace("\n", "\r\n")) == load_text(BASE)


def test_load_of_a_missing_file_says_so(tmp_path):
    """No file is a mistake like any other."""
    with pytest.raises(SettingsError) as caught:
        load(tmp_path / "gateway.toml")
    assert str(caught.value) == "gateway.toml:1:1: cannot be read: no such file; expected a text file"


def test_load_of_a_bad_zone_file_places_the_mistake_in_it():
    """The position is one in the file that is wrong."""
    with pytest.raises(SettingsError) as caught:
        load_text(BASE + '[dns.zones]\n"bl.test" = "zone"\n', zone="$TTL 60\n\x00")
    assert str(caught.value) == "zone:2:1: control character U+0000; expected plain text"


def refused_or_loaded(text: str | bytes) -> Configuration | None:
    """Load; whatever is wrong must come as a SettingsError whose lines are printable and have a position."""
    try:
        return load_text(text)
    except SettingsError as error:
        assert error.mistakes
        for mistake in error.mistakes:
            assert str(mistake).isprintable()
            assert len(str(mistake)) < 2000
            assert mistake.line >= 1
            assert mistake.column >= 1
        return None


@settings(max_examples=100)
@given(st.binary(max_size=200))
@example(b"")
@example(b"\xff\xfe")
@example(b"a" + b".a" * 5000 + b"=1")
@example(b"a=" + b"[" * 5000)
@example(b"a=" + b"{a=" * 5000)
@example(b"a=" + b"9" * 5000)
@example(b"a=0x" + b"f" * 5000)
@example(b"a=1e999999\nb=nan\nc=-inf")
@example(b"a=2026-02-30")
@example(b"[a]\n" * 2000)
@example(b"[[a]]\n" * 2000)
@example(b"a" * (2**20 + 1))
@example(b'a="\\ud800"')
@example(b'""=1\n[""]\n')
def test_load_of_any_octets_raises_nothing_but_settings_error(octets):
    """Octets that are hardly ever TOML."""
    refused_or_loaded(octets)


TOKENS = [
    *"[]{}=.,#\n\"'\\ ",
    *('"""', "'''", "[[", "]]", "schema", "gateway", "listen", "outside", "dns", "hosts", "zones", "domains"),
    *("networks", "aliases", "1", "true", "-0", "1.5", "nan", "1979-05-27 07:32:00", '"x"', "'a.test'", "\t", "\r\n"),
]


@settings(max_examples=150)
@given(st.lists(st.sampled_from(TOKENS), max_size=40).map("".join))
def test_load_of_toml_tokens_raises_nothing_but_settings_error(text):
    """Texts that look like TOML more often than octets do."""
    refused_or_loaded(text)
    refused_or_loaded(SMALL + text)


KEYS = ["lan", "default", "none", "a.test", "@a.test", "a@a.test", "10.0.0.1", "fd00::1", "hosts", "reject", "", "a b"]
TABLES = ["schema", "networks", "listen", "senders", "dnsbl", "dns", "domains", "aliases", "canonical", "filter", "log"]
VALUES = st.recursive(
    st.one_of(
        st.booleans(),
        st.integers(-(2**40), 2**40),
        st.floats(),
        st.datetimes(),
        st.text(max_size=8),
        st.sampled_from(["lan", "a.test", "a@a.test", "10.0.0.0/8", "0.0.0.0:25", "[::]:25", "[a]", "mailbox", "list"]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)),
    max_leaves=6,
)


@settings(max_examples=150)
@given(st.dictionaries(st.sampled_from([*TABLES, "policies", "patterns", "gateway", "mailboxes", "x"]), VALUES))
def test_load_of_any_document_raises_nothing_but_settings_error(document):
    """Right syntax, any value anywhere: this is what reaches the models and the rules."""
    refused_or_loaded(tomlkit.dumps(document))


def test_load_reads_the_site_wide_script():
    """It goes to Dovecot as it is."""
    extra = '[mailstore]\nenabled = true\nsieve = "site.sieve"\n'
    assert load_text(BASE + extra, **{"site.sieve": "keep;\r\n"}).site_sieve == "keep;\n"
    assert load_text(BASE).site_sieve == ""
