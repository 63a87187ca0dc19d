"""
The grammar of paths in MAIL and RCPT: RFC 5321 section 4.1.2, with RFC 6531 section 3.3.

Paths are matched as raw octets and passed on as they came.  They are never parsed by `email`: its header parser
decodes RFC 2047 words within a local part, so `=?utf-8?q?a=3e=0d=0aRCPT...?=` became CR LF and a second command
(python/cpython#152519).  Here such a word is a plain dot-string and stays one.

Wider than the RFC where that is harmless, because gate 1 has accepted the address already and a 5xx of ours would
make a bounce: a domain may be any row of atom characters and dots (spam comes from `a@-x..org`), no part has a limit
in length but that of the command line, and UTF-8 passes without SMTPUTF8 too, for Postfix takes and sends it so
(strict_smtputf8 = no).  Narrower: no white space around a path.  Everything else that is not in the grammar is
refused, above all control characters, unquoted specials and a second `@`.
"""

import re

from gateway.message.reply import Reply


def _path_pattern() -> re.Pattern[bytes]:
    """Build the pattern of `<path>` and what follows it."""
    high = rb"\x80-\xff"  # any octet of UTF-8 beyond ASCII; the whole path is checked to be UTF-8 afterwards
    atext = rb"A-Za-z0-9!#$%&'*+/=?^_`{|}~" + high + rb"-"
    dot_string = rb"[" + atext + rb"]+(?:\.[" + atext + rb"]+)*"
    quoted_string = rb'"(?:[ !#-\[\]-~' + high + rb']|\\[ -~])*"'
    domain = rb"[." + atext + rb"]+"
    literal = rb"\[[!-Z^-~]+\]"
    route = rb"@" + domain + rb"(?:,@" + domain + rb")*:"
    mailbox = rb"(?:" + dot_string + rb"|" + quoted_string + rb")@(?:" + domain + rb"|" + literal + rb")"
    path = rb"(?:" + route + rb")?" + mailbox + rb"|[Pp][Oo][Ss][Tt][Mm][Aa][Ss][Tt][Ee][Rr]"
    return re.compile(rb"<(" + path + rb"|)>(?: +(.*))?", re.DOTALL)


_PATH = _path_pattern()


class BadCommand(Exception):  # noqa: N818 - named for what gate 1 sent
    """A command is answered with *reply* and has no other effect."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.text.decode("ascii"))
        self.reply = reply


def split_path(argument: bytes, keyword: bytes) -> tuple[bytes, bytes]:
    """
    Split the argument of MAIL or RCPT into path and parameters.

    Args:
        argument: What follows the verb and its space, without line end; any octets.
        keyword: b"FROM:" or b"TO:"; compared without regard to case.

    Returns:
        The path without its angle brackets, empty for `<>`, valid UTF-8, and the rest of the line
        after the space or spaces that follow the path.

    Raises:
        BadCommand: 501, *argument* is not in the grammar.
    """
    if argument[: len(keyword)].upper() != keyword:
        raise BadCommand(Reply.of(f"501 5.5.4 Syntax: {keyword.decode('ascii')}<address>"))
    match = _PATH.fullmatch(argument, len(keyword))
    if match is None or not _is_utf8(match[1]):
        raise BadCommand(Reply.of("501 5.1.7 Bad address syntax"))
    return match[1], match[2] or b""


def _is_utf8(octets: bytes) -> bool:
    if octets.isascii():
        return True
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
