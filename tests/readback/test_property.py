"""
Whatever stands in the file, either it is refused or every daemon reads exactly what was meant (attacks.md, 2.8).

Each example is a whole file with many values, so that a few hundred runs of the daemons' parsers see thousands.
"""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from gateway.settings.load import SettingsError, load
from tests.golden.cases import HERE, write
from tests.readback.daemons import Postfix
from tests.readback.document import places, spoilt, toml
from tests.readback.files import documents, escaped
from tests.readback.meaning import check
from tests.readback.meaning_postfix import action

MORE = int(os.environ.get("EXAMPLES", "1"))  # times as many examples, for a long look
quick = settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)

EVERYTHING = HERE / "everything"
BASE = tomllib.loads((EVERYTHING / "gateway.toml").read_text(encoding="utf-8"))
BESIDE = {name: (EVERYTHING / name).read_text(encoding="utf-8") for name in ("hosts", "other.zone")}
PLACES = sorted(places(BASE), key=repr)

TABLES = {  # of [[patterns]], by match
    "header": "header_checks",
    "body": "body_checks",
    "client": "client_patterns",
    "sender": "sender_patterns",
    "recipient": "recipient_patterns",
}

HOSTILE = [
    # line ends, blanks and comments: a new parameter, a continued line, a line that is none
    "\nmynetworks = 0.0.0.0/0", "\r\nx", "\rx", "\x00", "\x0b", "\x0c", "\x85", "\u2028", "\ufeff", "\u202e", "\t", " ",
    "  x", "#", "# x", ";", "; x", "//", "/* */", "\\", "\\\n", "\\032", "\x7f", "\x1b[2J",
    # macros and templates of Postfix, supervisor, Compose, Jinja and Python
    "$mynetworks", "${x}", "$$", "$(id)", "$1", "%(ENV_HOME)s", "%%", "%", "{{7*7}}", "{% raw %}", "{0.__class__}",
    # brackets, quotes and separators
    "{", "}", "};", "{ x", "\"", "'", "\"; }; zone \"x\" { type hint; file \"/etc/shadow\"; }; //", "(", ")", ",", "|",
    "<", ">", "<>", "`id`", "&", "=", ":", "::", "!", "*", "?", "~", "^", "@", "@@", "-o", " -o x=y", ", permit",
    # directives and tables
    "$INCLUDE /etc/shadow", "$GENERATE 1-16777216 x A 1.2.3.4", "pcre:/etc/passwd", "inline:{a=b}", "tcp:127.0.0.1:1",
    "pipemap:{x}", "static:x", "proxy:unix:passwd.byname", "regexp:/x", "|/bin/sh", "/etc/passwd",
    ":include:/etc/passwd", "../../etc/passwd", "~/x", "/", "if /x/", "endif", "FILTER x:y",
    # YAML
    "no", "on", "0123", "1e3", "!!python/object:x", "&a", "*a", "- x", "key: value", "null", "~",
    # numbers, sizes and times
    "-1", "0", "2147483648", "99999999999GiB", "9999999d", "NaN", "1.5MiB", "\u0661", "",
    # names
    "a" * 64, ".".join(["a" * 63] * 4), "_x.test", "bücher.test", "x.test.", "*.test", "a..b", ".x", "-x.test",
    "x-.test", "localhost", "127.in-addr.arpa", "in-addr.arpa", "ip6.arpa", "arpa", "1.2", "none", "default", "x-",
    # addresses
    "010.0.0.1", "1.2.3", "fe80::1%eth0", "fe80::1%;x", "0.0.0.0/0", "::/0", "10.0.0.1/8", "127.0.0.1", "::1",
    "127.0.0.0/8", "[::1]:25", "0.0.0.0:25", "198.18.64.1", "198.18.64.0/22", "::ffff:10.0.0.1", "10.0.0.1:99999",
    "[192.0.2.25]:0", "[127.0.0.1]:25", "[]", "[a b]", "[x]]:25", "224.0.0.1", "255.255.255.255", "10.20.0.0/33",
    # patterns
    "/x/ OK", "x/ OK #", "a\\", "\\Qa/b\\E", "(?{die})", "(*FAIL)", "(", "[", "a{1,99999}", "(a+)+$",
]  # fmt: skip


def loaded(text: str, beside: dict[str, str]):
    """Load a file from its text and the files beside it."""
    with TemporaryDirectory() as folder:
        write(Path(folder), {"gateway.toml": text} | beside)
        return load(Path(folder) / "gateway.toml")


@given(documents())
@settings(quick, max_examples=25 * MORE)
def test_valid_files_mean_to_every_daemon_what_they_say(document):
    """Values up to the edges of each grammar, in every table at once."""
    configuration = loaded(toml(document), {})
    tree = check(configuration)
    check_patterns(configuration, tree)


def check_patterns(configuration, tree):
    """Each rule's own text gets the action of the first rule that has it, and other texts none."""
    with TemporaryDirectory() as folder:
        write(Path(folder), tree)
        postfix = Postfix(Path(folder) / "postfix-pre")
        for match, table in TABLES.items():
            rules = [rule for rule in configuration.settings.patterns if rule.match == match]
            texts = [literal(rule.pattern) for rule in rules]
            expected = {}
            for text, rule in zip(texts, rules, strict=True):
                expected.setdefault(text.lower(), action(configuration, rule))
            found = postfix.look_up(f"pcre:{postfix.directory}/{table}", [*texts, "nothing of this", "x/"])
            assert found == {text: expected[text.lower()] for text in texts}


def literal(pattern):
    """Undo files.escaped."""
    text, skip = "", False
    for character in pattern[1:-1]:
        if character == "\\" and not skip:
            skip = True
        else:
            text, skip = text + character, False
    assert escaped(text) == pattern
    return text


@st.composite
def spoilings(draw):
    """Put a hostile text in place of a string, before it, after it or into it."""
    place, value = draw(st.sampled_from(PLACES))
    text = draw(st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(codec="utf-8"), max_size=8)))
    at = draw(st.integers(0, len(value)))
    return place, draw(st.sampled_from([text, text + value, value + text, value[:at] + text + value[at:]]))


@given(spoilings())
@settings(quick, max_examples=1000 * MORE)
def test_hostile_strings_are_refused_or_read_back_as_meant(spoiling):
    """A string that loads is one more value of its kind: the sets of everything else stay what they are."""
    place, text = spoiling
    try:
        configuration = loaded(toml(spoilt(BASE, place, text)), BESIDE)
    except SettingsError:
        event("refused")
        return
    event("taken")
    tree = check(configuration)
    if place[0] == "patterns":
        check_hostile_pattern(configuration, configuration.settings.patterns[place[1]], text, tree)


def check_hostile_pattern(configuration, rule, text, tree):
    """
    Compare a rule with Python's idea of it.

    A pattern that is none to PCRE is refused when the tables are checked, before the tree is taken into use; here
    that must be Postfix's only complaint, and about the pattern as it was written.
    """
    subjects = ["", "x", "/", "//", "Q", "royale", "Subject: casino/royale", "$1 ${x} #", *text.split("\n")]
    subjects += ["192.0.2.7", "a.office.example.test", "news/x@y.test", "abuse@example.test"]
    with TemporaryDirectory() as folder:
        write(Path(folder), tree)
        table = f"pcre:{folder}/postfix-pre/{TABLES[rule.match]}"
        command = ["postmap", "-c", f"{folder}/postfix-pre", "-q", "-", table]
        done = subprocess.run(command, input="\n".join(subjects).encode(), capture_output=True, check=False)
    if done.stderr:
        assert re.fullmatch(
            r"postmap: warning: pcre map \S+, line 3: error in regex at offset \d+: .*\n", done.stderr.decode()
        )
        assert done.stdout == b""
        return
    try:
        pattern = re.compile(rule.pattern, re.IGNORECASE | re.DOTALL)
    except (re.error, FutureWarning):
        return  # PCRE knows more than Python
    done_about_it = action(configuration, rule)
    expected = [f"{subject}\t{done_about_it}" for subject in subjects if subject and pattern.search(subject)]
    assert done.stdout.decode().splitlines() == expected


@pytest.mark.parametrize("line", [
    "10.20.0.9 a.test $INCLUDE", "10.20.0.9 a.test;x", "10.20.0.9 a.test\\032b", '10.20.0.9 a"b.test',
    "10.20.0.9 a_b.test", "10.20.0.9 *.lan.test", "10.20.0.9 a.test.", "10.20.0.9 @", "10.20.0.9\x0ba.test",
    "10.20.0.9 a.test\u2028b.test", "10.20.0.9 (", "fe80::1%x a.test", "$GENERATE 1-9 x A 10.20.0.9",
    "10.20.0.9 localhost", "10.20.0.9 1.0.0.127.in-addr.arpa", "10.20.0.9 127.in-addr.arpa",
    "10.20.0.9 20.10.in-addr.arpa", "10.20.0.9 3.2.10.in-addr.arpa", "10.20.0.9 in.test ptr.test soa.test",
])  # fmt: skip
def test_hostile_lines_of_the_hosts_file_are_refused_or_read_back(line):
    """The file beside the one file is as hostile as that."""
    try:
        configuration = loaded(toml(BASE), BESIDE | {"hosts": line + "\n"})
    except SettingsError:
        return
    check(configuration)
