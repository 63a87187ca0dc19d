"""The operator's own cases."""

import pytest

from gateway.explain.cases import run, wire

KEYS = "assume, client, client_name, content, expect, from, helo, listener, message, to"
CHECKS = "gtube, headers, body, attachments, structure, auth, clamav, rspamd, urls"
VERDICTS = "pass, tag, redirect, hold, defer, reject, discard, refused"
EXPECTED = "header, next_hop, no_header, policy, reply, verdict"
CASE = """\
content = '''Subject: hi

XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X'''
from = "s@far.example"
to = ["anna@example.test", "all@lists.test"]
[expect]
"""


@pytest.fixture
def outcome(site, tmp_path):
    """Give a function that runs one case and gives what differs."""
    folder = tmp_path / "tests"
    folder.mkdir()

    def one(text):
        (folder / "case.toml").write_text(text)
        [(name, differences)] = run(site, folder)
        assert name == "case.toml"
        return differences

    return one


@pytest.mark.parametrize(
    "expected",
    [
        'verdict = { "anna@example.test" = "hold", "all@lists.test" = "tag" }',
        'verdict = { "all@lists.test" = "tag" }',
    ],
)
def test_case_that_comes_out_as_expected_says_nothing(outcome, expected):
    """Each recipient by itself."""
    assert outcome(CASE + expected) == []


@pytest.mark.parametrize(
    ("expected", "differences"),
    [
        ('verdict = "hold"', ["all@lists.test: verdict tag; expected hold"]),
        ('policy = "strict"', ["all@lists.test: policy lenient; expected strict"]),
        (
            'next_hop = "[192.0.2.25]:25"',
            ["anna@example.test: next hop none; expected [192.0.2.25]:25"],
        ),
        (
            'header = ["^X-Spam-Flag: YES$"]',
            ["anna@example.test: no header field like ^X-Spam-Flag: YES$"],
        ),
        ('no_header = ["^X-"]', ["all@lists.test: header field X-Spam-Flag: YES; expected none like ^X-"]),
        (
            'reply = "^550"',
            ["anna@example.test: reply none; expected ^550", "all@lists.test: reply none; expected ^550"],
        ),
    ],
)
def test_difference_is_said(outcome, expected, differences):
    """With recipient, what came and what was expected."""
    assert outcome(CASE + expected) == differences


def test_what_strangers_wrote_is_escaped(outcome):
    """A difference goes to the terminal."""
    case = CASE.replace("Subject: hi", "X-Colour: \\u001b[31m").replace("'''", '"""')
    (difference, *_) = outcome(case + 'verdict = { "all@lists.test" = "tag" }\nno_header = ["^X-Colour"]')
    assert difference == r"all@lists.test: header field X-Colour: \x1b[31m; expected none like ^X-Colour"


def test_refusal_of_gate_1_can_be_expected(outcome):
    """As verdict refused, with its reply."""
    refused = CASE.replace("s@far.example", "s@spam.example") + 'verdict = "refused"\nreply = "^554 5.7.1"'
    assert outcome(refused) == []


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("", "expect: missing; expected this table, or the case could not fail"),
        ("x = 1", f"x: unknown key; expected one of {KEYS}"),
        ("[expect]\nx = 1", f"expect.x: unknown key; expected one of {EXPECTED}"),
        ('content = ""\n[expect]\nverdict = "hold"', "to: expected a list of one or more addresses"),
        ('to = ["a@x.test"]\nclient = "moon"\n[expect]\nverdict = "hold"', "client: 'moon'; expected an address"),
        (
            'to = ["a@x.test"]\n[expect]\nverdict = "hold"',
            "message: expected either message, a file, or content, a text",
        ),
        (
            'to = ["a@x.test"]\nmessage = "no.eml"\n[expect]\nverdict = "hold"',
            "message: no.eml: No such file or directory",
        ),
        ('to = ["a@x.test"]\ncontent = ""\nassume = { clamav = "virus" }\n[expect]\nverdict = "hold"',
         "assume: expected a table of check = list of reasons"),
        ('to = ["a@x.test"]\ncontent = ""\nassume = { clamaw = ["virus"] }\n[expect]\nverdict = "hold"',
         f"assume.clamaw: no such check; expected one of {CHECKS}"),
        ("[expect]\nheader = '^X-Spam: yes$'", "expect.header: expected a list of one or more patterns"),
        ("[expect]\nno_header = []", "expect.no_header: expected a list of one or more patterns"),
        ("[expect]\nheader = [1]", "expect.header: 1; expected text"),
        ("[expect]\nheader = ['(a']",
         "expect.header: '(a': missing ), unterminated subpattern at position 0; expected a pattern"),
        ("[expect]\nreply = '*'", "expect.reply: '*': nothing to repeat at position 0; expected a pattern"),
        ("[expect]\npolicy = true", "expect.policy: True; expected text"),
        ("[expect]\nverdict = 'hodl'", f"expect.verdict: 'hodl'; expected one of {VERDICTS}, or a table"),
        ("[expect]\nverdict = {}", f"expect.verdict: {{}}; expected one of {VERDICTS}, or a table"),
        ('to = ["a@x.test", "b@x.test"]\n[expect]\nverdict = { "c@x.test" = "hold" }',
         "expect.verdict: 'c@x.test' is not in to; expected one of a@x.test, b@x.test"),
        ('to = ["a@x.test"]\n[expect]\nverdict = { "a@x.test" = "hodl" }',
         f"expect.verdict: 'hodl'; expected one of {VERDICTS}, or a table"),
        ("expect = 1", "expect: missing; expected this table, or the case could not fail"),
        ("content = 1\n[expect]\nverdict = 'hold'", "content: 1; expected text"),
        ('to = ["a@x.test"]\ncontent = ""\nassume = { clamav = ["virvs"] }\n[expect]\nverdict = "hold"',
         "assume.clamav: 'virvs' is never reported; expected one of limits, virus, error"),
    ],
)  # fmt: skip
def test_mistake_in_a_case_is_said(outcome, text, mistake):
    """A case that cannot be read has failed."""
    assert outcome(text) == [mistake]


def test_no_folder_is_no_case(site, tmp_path):
    """Cases are optional."""
    assert list(run(site, tmp_path / "nothing")) == []


@pytest.mark.parametrize("octets", [b"a\nb", b"a\r\nb\r\n", b"a\rb\n"])
def test_message_is_brought_to_its_wire_form(octets):
    """Any line end is a CRLF, and the last line has one."""
    assert wire(octets) == b"a\r\nb\r\n"
