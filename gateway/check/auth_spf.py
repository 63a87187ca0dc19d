"""
SPF of the reverse-path, or of HELO where that is null, by pyspf with our lookups.

pyspf counts the ten terms that ask DNS and the two void lookups (RFC 7208 section 4.6.4); the time is the deadline of
the lookups.  What a domain's record makes it stumble over is that record's fault: permerror.
"""

from dataclasses import dataclass

import spf

from gateway.check.auth_dns import Lookups, TemporaryError
from gateway.message.author import domain_of
from gateway.message.mail import MailObject


@dataclass(frozen=True, slots=True)
class Spf:
    """The result of SPF."""

    result: str  # a word of RFC 8601 section 2.7.2
    domain: str = ""  # that was asked; empty when there was none
    helo: bool = False  # it is that of HELO


class _Query(spf.query):  # type: ignore[misc]  # pyspf has no types
    """pyspf's evaluation, asking Lookups."""

    lookups_of_message: Lookups

    def dns(self, name: object, qtype: str, cnames: object = None, ignore_void: bool = False) -> list[object]:
        """Give the records of a name; pyspf follows no CNAME, for the resolver does."""
        del cnames
        try:
            found = self.lookups_of_message.ask(str(name).rstrip("."), qtype)
        except TemporaryError as error:
            raise spf.TempError(str(error)) from None
        if not found and not ignore_void:
            self.void_lookups += 1
            if self.void_lookups > spf.MAX_VOID_LOOKUPS:
                raise spf.PermError("too many void lookups")
        return list(found)


def check_spf(mail: MailObject, lookups: Lookups) -> Spf:
    """Evaluate SPF; never fails."""
    path = mail.envelope.reverse_path.path.decode("utf-8", "replace")
    helo = mail.client.told("HELO").lower()
    domain = domain_of(path or f"postmaster@{helo}")
    address = mail.client.address
    if domain is None or address is None:
        return Spf("none", domain or "", helo=not path)
    local = path.rpartition("@")[0] or "postmaster"
    query = _Query(i=str(address), s=f"{_plain(local)}@{domain}", h=_plain(helo) or "unknown")
    query.lookups_of_message = lookups
    try:
        result = str(query.check()[0])
    except Exception:
        result = "permerror"
    return Spf(result if result in _RESULTS else "permerror", domain, helo=not path)


_RESULTS = frozenset({"none", "neutral", "pass", "fail", "softfail", "temperror", "permerror"})


def _plain(text: str) -> str:
    """Give a text with nothing in it but printable ASCII, for macros."""
    return "".join(character if "!" <= character <= "~" else "?" for character in text[:320])
