"""Parameters are checked and kept verbatim."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.accept.parameters import parse_mail, parse_rcpt, parse_xforward
from gateway.accept.paths import BadCommand
from gateway.message.envelope import Recipient, ReversePath


def refusal(function, *arguments, **named) -> bytes:
    """Give the reply a call is refused by."""
    with pytest.raises(BadCommand) as refused:
        function(*arguments, **named)
    return refused.value.reply.wire().rstrip(b"\r\n")


def test_parse_mail_all_parameters_are_kept_in_their_case_and_order():
    """SIZE and SMTPUTF8 are read, all are passed on as they came."""
    words = (b"size=123", b"BODY=8bitmime", b"SMTPUTF8", b"Ret=hdrs", b"ENVID=aB+0D+0Ac")
    parsed = parse_mail(b"FROM:<a@x.test> " + b" ".join(words), max_octets=1000)
    assert parsed == ReversePath(b"a@x.test", words, 123, smtputf8=True)


def test_parse_mail_null_path_with_parameters():
    """A DSN comes so."""
    parsed = parse_mail(b"FROM:<>  SIZE=10 ", max_octets=1000)
    assert parsed == ReversePath(b"", (b"SIZE=10",), 10)


@pytest.mark.parametrize(
    ("parameters", "reply"),
    [
        (b"SIZE=99999999999999999999", b"552 5.3.4 Message size exceeds fixed limit"),
        (b"SIZE=1001", b"552 5.3.4 Message size exceeds fixed limit"),
        (b"SIZE=999999999999999999999", b"501 5.5.4 Bad SIZE parameter"),
        (b"SIZE=-1", b"501 5.5.4 Bad SIZE parameter"),
        (b"SIZE=", b"501 5.5.4 Bad parameter syntax"),
        (b"SIZE", b"501 5.5.4 Bad SIZE parameter"),
        (b"SIZE=1 SIZE=1", b"501 5.5.4 Bad SIZE parameter"),
        (b"size=1 SIZE=1", b"501 5.5.4 Bad SIZE parameter"),
        (b"BODY=BINARYMIME", b"501 5.5.4 Bad BODY parameter"),
        (b"SMTPUTF8=1", b"501 5.5.4 Bad SMTPUTF8 parameter"),
        (b"RET=ALL", b"501 5.5.4 Bad RET parameter"),
        (b"ENVID=\xff", b"501 5.5.4 Bad ENVID parameter"),
        (b"ENVID=a\tb", b"501 5.5.4 Bad parameter syntax"),
        (b"ENVID=a\rb", b"501 5.5.4 Bad parameter syntax"),
        (b"AUTH=<>", b"555 5.5.4 Parameter not implemented"),
        (b"NOTIFY=NEVER", b"555 5.5.4 Parameter not implemented"),
        (b"=x", b"501 5.5.4 Bad parameter syntax"),
        (b"\xff", b"501 5.5.4 Bad parameter syntax"),
    ],
)
def test_parse_mail_bad_parameter_is_refused(parameters, reply):
    """One answer each."""
    assert refusal(parse_mail, b"FROM:<a@x.test> " + parameters, max_octets=1000) == reply


def test_parse_mail_too_big_from_null_is_deferred():
    """No 5xx of ours to `<>`."""
    assert refusal(parse_mail, b"FROM:<> SIZE=1001", max_octets=1000).startswith(b"452 4.3.4")


def test_parse_mail_utf8_passes_with_and_without_smtputf8():
    """Gate 1 may take and send it either way."""
    argument = "FROM:<ü@x.test> ENVID=".encode() + b"x" * 300
    assert parse_mail(argument, max_octets=1000).path == "ü@x.test".encode()
    assert not parse_mail(argument, max_octets=1000).smtputf8
    assert parse_mail(argument + b" SMTPUTF8", max_octets=1000).smtputf8


@pytest.mark.parametrize(
    "parameter",
    [
        b"NOTIFY=NEVER",
        b"notify=success,FAILURE,delay",
        b"ORCPT=rfc822;Anna+2BTest@x.test",
        b"ORCPT=rfc822;a+0D+0AMAIL@x.test",
        b"ORCPT=rfc822;" + b"+2B" * 2000,
        "ORCPT=utf-8;ü@y.test".encode(),
    ],
)
def test_parse_rcpt_dsn_parameter_is_kept(parameter):
    """As it came; xtext is not decoded."""
    assert parse_rcpt(b"TO:<b@y.test> " + parameter) == Recipient(b"b@y.test", (parameter,))


@pytest.mark.parametrize(
    ("argument", "reply"),
    [
        (b"TO:<>", b"501 5.1.3 Bad recipient address syntax"),
        (b"TO:<b@y.test> NOTIFY=NEVER,FAILURE", b"501 5.5.4 Bad NOTIFY parameter"),
        (b"TO:<b@y.test> NOTIFY=", b"501 5.5.4 Bad parameter syntax"),
        (b"TO:<b@y.test> ORCPT=x", b"501 5.5.4 Bad ORCPT parameter"),
        (b"TO:<b@y.test> SIZE=1", b"555 5.5.4 Parameter not implemented"),
        (b"TO:<b@y.test> RCPT TO:<z@evil.test>", b"555 5.5.4 Parameter not implemented"),
    ],
)
def test_parse_rcpt_bad_argument_is_refused(argument, reply):
    """One answer each."""
    assert refusal(parse_rcpt, argument) == reply


def test_parse_rcpt_utf8_passes_as_it_came():
    """Both forms of the same letter stay apart."""
    for path in ("ü@y.test".encode(), "u\u0308@y.test".encode()):
        assert parse_rcpt(b"TO:<" + path + b">").path == path


def test_parse_xforward_values_are_kept_verbatim():
    """Names are upper-cased, values are not touched."""
    parsed = parse_xforward(b"name=mail.x.test ADDR=IPv6:2001:db8::1 IDENT=4a+0D+0AMAIL HELO=[UNAVAILABLE]")
    assert parsed == {
        "NAME": b"mail.x.test",
        "ADDR": b"IPv6:2001:db8::1",
        "IDENT": b"4a+0D+0AMAIL",
        "HELO": b"[UNAVAILABLE]",
    }


def test_parse_xforward_value_too_long_is_unavailable_and_its_neighbours_stay():
    """
    A client's HELO name costs the message neither its queue id nor where it is from.

    gate 2 takes 255 octets, and of our gate 1 each octet of a name in UTF-8 becomes three.
    """
    long = b"+E3" * 85 + b"x"
    parsed = parse_xforward(b"PROTO=ESMTP HELO=" + long + b" IDENT=4abc SOURCE=LOCAL")
    assert parsed == {"PROTO": b"ESMTP", "HELO": b"[UNAVAILABLE]", "IDENT": b"4abc", "SOURCE": b"LOCAL"}
    assert parse_xforward(b"HELO=" + long[1:]) == {"HELO": long[1:]}


@pytest.mark.parametrize("argument", [b"", b"NAME", b"NAME=", b"LOGIN=x", b"NAME=\xc3\xbc", b"\xff=x", b"NAME=a\rb"])
def test_parse_xforward_bad_attribute_is_refused(argument):
    """501, and nothing is kept."""
    assert refusal(parse_xforward, argument).startswith(b"501 5.5.4")


@given(st.binary(max_size=60))
def test_parse_any_octets_are_parsed_or_refused(octets):
    """Nothing else is raised, and what passes has no control character or space."""
    for parse in (
        lambda: parse_mail(b"FROM:<> " + octets, max_octets=1000).parameters,
        lambda: parse_rcpt(b"TO:<b@y.test> " + octets).parameters,
        lambda: parse_xforward(octets).values(),
    ):
        try:
            words = parse()
        except BadCommand:
            continue
        assert all(0x20 < octet != 0x7F for word in words for octet in word)
