"""
The parameters of MAIL and RCPT, and the attributes of XFORWARD: checked, and passed on verbatim.

xtext (RFC 3461 section 4) is never decoded: `ENVID=a+0D+0ARCPT` is nine harmless characters to whoever does not.
Keywords are compared without regard to case; what goes on keeps the case it came in.

ENVID and ORCPT have no limit in length here but that of the command line.  Gate 1 holds its clients to 100 and 500
octets (RFC 3461 section 4), but where a client gave no ORCPT it writes one itself, and it spells some octets as
three.  Refusing here what it has taken would be a bounce; gate 2, the same Postfix, takes it.

An XFORWARD value beyond its 255 octets is taken as unknown, for gate 1 sends the HELO name of its client, spelt that
way too, in one command with the queue id and where the message is from: refused, all three would be lost.

Sources: RFC 1870 SIZE, RFC 6152 BODY, RFC 6531 SMTPUTF8, RFC 3461 RET ENVID NOTIFY ORCPT, Postfix XFORWARD_README.
"""

import re
from collections.abc import Callable

from gateway.accept.paths import BadCommand, split_path
from gateway.message.envelope import UNAVAILABLE, XFORWARD_ATTRIBUTES, Recipient, ReversePath
from gateway.message.reply import Reply

_PARAMETER = re.compile(rb"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-~\x80-\xff]+))?")
_SIZE = re.compile(rb"[0-9]{1,20}")
_ENVID = re.compile(rb"[!-~]+")
_ORCPT = re.compile(rb"[^;]+;.+")  # of the octets that _PARAMETER allows
_NOTIFY = re.compile(rb"NEVER|(?:SUCCESS|FAILURE|DELAY)(?:,(?:SUCCESS|FAILURE|DELAY)){0,2}")
_ATTRIBUTES = {name.encode("ascii"): name for name in XFORWARD_ATTRIBUTES}
_XTEXT = re.compile(rb"[!-~]+")
_MAX_VALUE = 255  # octets of an XFORWARD value

# Keyword to the test of its value; a flag has no value, which reads as None here.
type _Rules = dict[bytes, Callable[[bytes | None], bool]]


def _matches(pattern: re.Pattern[bytes]) -> Callable[[bytes | None], bool]:
    return lambda value: value is not None and pattern.fullmatch(value.upper()) is not None


_MAIL_RULES: _Rules = {
    b"SIZE": _matches(_SIZE),
    b"BODY": _matches(re.compile(rb"7BIT|8BITMIME")),
    b"SMTPUTF8": lambda value: value is None,
    b"RET": _matches(re.compile(rb"FULL|HDRS")),
    b"ENVID": _matches(_ENVID),
}
_RCPT_RULES: _Rules = {
    b"NOTIFY": _matches(_NOTIFY),
    b"ORCPT": _matches(_ORCPT),
}


def parse_mail(argument: bytes, *, max_octets: int) -> ReversePath:
    """
    Read the argument of MAIL.

    Args:
        argument: What follows `MAIL `, without line end; any octets.
        max_octets: Largest content that is taken.

    Raises:
        BadCommand: 501 syntax, 552 SIZE= above *max_octets* (452 for `<>`, which never gets a 5xx of ours for what
            it is), 555 parameter not offered.
    """
    path, rest = split_path(argument, b"FROM:")
    parameters, values = _parse(rest, _MAIL_RULES)
    size = values.get(b"SIZE")
    reverse_path = ReversePath(path, parameters, None if size is None else int(size), b"SMTPUTF8" in values)
    if reverse_path.size is not None and reverse_path.size > max_octets:
        raise BadCommand(too_big(reverse_path))
    return reverse_path


def parse_rcpt(argument: bytes) -> Recipient:
    """
    Read the argument of RCPT.

    Args:
        argument: What follows `RCPT `, without line end; any octets.

    Raises:
        BadCommand: 501 syntax or null path, 555 parameter not offered.
    """
    path, rest = split_path(argument, b"TO:")
    if not path:
        raise BadCommand(Reply.of("501 5.1.3 Bad recipient address syntax"))
    parameters, _ = _parse(rest, _RCPT_RULES)
    return Recipient(path, parameters)


def parse_xforward(argument: bytes) -> dict[str, bytes]:
    """
    Read the attributes of one XFORWARD command.

    Returns:
        Upper-case attribute name to its value as it came, at most 255 octets of xtext; [UNAVAILABLE] for a longer one.

    Raises:
        BadCommand: 501, unknown attribute, bad value, or none at all.
    """
    attributes: dict[str, bytes] = {}
    for word in argument.split():
        name, _, value = word.partition(b"=")
        key = _ATTRIBUTES.get(name.upper())
        if key is None or not _XTEXT.fullmatch(value):
            raise BadCommand(Reply.of("501 5.5.4 Bad XFORWARD attribute"))
        attributes[key] = value if len(value) <= _MAX_VALUE else UNAVAILABLE
    if not attributes:
        raise BadCommand(Reply.of("501 5.5.4 Syntax: XFORWARD attribute=value..."))
    return attributes


def too_big(reverse_path: ReversePath) -> Reply:
    """Give the answer to a message above our limit; render keeps that limit above gate 1's, so it is a misfit."""
    if reverse_path.is_null:
        return Reply.of("452 4.3.4 Message size exceeds fixed limit")
    return Reply.of("552 5.3.4 Message size exceeds fixed limit")


def _parse(rest: bytes, rules: _Rules) -> tuple[tuple[bytes, ...], dict[bytes, bytes | None]]:
    """Check each parameter against *rules*; give them verbatim, and by upper-case keyword."""
    words = tuple([word for word in rest.split(b" ") if word])
    values: dict[bytes, bytes | None] = {}
    for word in words:
        match = _PARAMETER.fullmatch(word)
        if match is None:
            raise BadCommand(Reply.of("501 5.5.4 Bad parameter syntax"))
        keyword = match[1].upper()
        if keyword not in rules:
            raise BadCommand(Reply.of("555 5.5.4 Parameter not implemented"))
        if keyword in values or not rules[keyword](match[2]):
            raise BadCommand(Reply.of(f"501 5.5.4 Bad {keyword.decode('ascii')} parameter"))
        values[keyword] = match[2]
    return words, values
