"""[[patterns]] as gate 1 asks them."""

import pytest

from gateway.explain.patterns import Patterns, pieces
from gateway.settings.models import PatternRule

from .conftest import sent

NESTED = b"""\
Subject : hi
 there
Content-Type: multipart/mixed; boundary=b

preamble
--b
X-Part: 1

text
--b
Content-Type: message/rfc822

X-Nested: 1

body
--b--
""".replace(b"\n", b"\r\n")


def patterns(*rules, **told):
    """Give patterns from (match, pattern, action), and a message."""
    made = [PatternRule(match=match, pattern=pattern, action=action) for match, pattern, action in rules]
    return Patterns(made, sent(**told))


def outcomes(steps):
    """Give what each step is about, and its outcome."""
    return [(step.what, step.outcome, step.ends) for step in steps]


def test_content_is_looked_at_as_postfix_reads_it():
    """Fields of the message, of parts and of messages within are fields; delimiters are lines of the body."""
    assert list(pieces(NESTED)) == [
        ("header", "Subject: hi\n there"),
        ("header", "Content-Type: multipart/mixed; boundary=b"),
        ("body", "preamble"),
        ("body", "--b"),
        ("header", "X-Part: 1"),
        ("body", "text"),
        ("body", "--b"),
        ("header", "Content-Type: message/rfc822"),
        ("header", "X-Nested: 1"),
        ("body", "body"),
        ("body", "--b--"),
    ]


def test_long_body_line_is_looked_at_in_pieces():
    """Of line_length_limit; what is no UTF-8 does not matter."""
    content = b"\r\n" + b"\xff" * 2048 + b"end\r\n"
    assert list(pieces(content)) == [("body", "\ufffd" * 2048), ("body", "end")]


@pytest.mark.parametrize(
    ("match", "pattern", "told", "reply"),
    [
        ("client", r"^192\.0\.2\.7$", {}, "554 5.7.1 Client host rejected: Access denied"),
        ("client", "^unknown$", {}, "554 5.7.1 Client host rejected: Access denied"),
        ("sender", "^<>$", {"reverse_path": ""}, "554 5.7.1 Sender address rejected: Access denied"),
        ("recipient", "^ANNA@", {}, "554 5.7.1 Recipient address rejected: Access denied"),
    ],
)
def test_refusal_at_rcpt(match, pattern, told, reply):
    """In Postfix's words, and nothing is asked behind it."""
    asked = patterns((match, pattern, "reject"), ("recipient", ".", "hold"), **told)
    assert outcomes(asked.envelope("anna@example.test")) == [(f"patterns, {match}", reply, True)]
    assert not asked.held


@pytest.mark.parametrize("match", ["header", "body"])
def test_refusal_of_the_content(match):
    """Of the message, in cleanup's words."""
    asked = patterns((match, "^(subject|hello)", "reject"), ("body", ".", "hold"))
    assert outcomes(asked.content()) == [(f"patterns, {match}", "550 5.7.1 message content rejected", True)]
    assert not asked.held


def test_first_of_a_kind_decides_and_the_last_filter_counts():
    """Client, sender, recipient at each RCPT anew, then the content as it comes."""
    asked = patterns(
        ("client", ".", "filter:one"),
        ("recipient", "^anna@", "filter:two"),
        ("recipient", "^anna@", "hold"),
        ("header", "^subject: hi$", "filter:three"),
        ("body", "^hello", "warn"),
    )
    list(asked.envelope("anna@example.test"))
    assert asked.policy == "two"
    list(asked.envelope("bob@example.test"))
    assert asked.policy == "one"
    assert [step.outcome for step in asked.content()] == ["filter:three", "warn"]
    assert (asked.policy, asked.held) == ("three", False)


def test_pattern_that_pcre_does_not_know_is_said():
    """The file's own grammar leaves it to the daemon."""
    with pytest.raises(ValueError, match=r"^patterns: \(a: "):
        patterns(("body", "(a", "hold"))
