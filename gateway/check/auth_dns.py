"""
Lookups: the questions that one message raises in DNS, within one deadline, each asked once.

They go to the container's resolver, which is bind.  Whoever asks waits, so this runs in threads.  No such name and no
such record are an answer, an empty one; everything else that is none is TemporaryError, which must never look like it.
"""

import time

import dns.exception
import dns.resolver

MAX_TEXT = 8_192  # octets of one TXT record; a longer one is left out


class TemporaryError(Exception):
    """DNS has no answer now."""


class Lookups:
    """Answers in DNS for one message; one thread at a time."""

    def __init__(self, resolver: dns.resolver.Resolver, deadline: float) -> None:
        """
        Begin.

        Args:
            resolver: Shared.
            deadline: By time.monotonic(); what is asked later has no answer.
        """
        self._resolver = resolver
        self._deadline = deadline
        self._known: dict[tuple[str, str], list[object]] = {}

    def ask(self, name: str, kind: str) -> list[object]:
        """
        Give the records of a name: text for A, AAAA and PTR, (preference, name) for MX, strings of octets for TXT.

        Raises:
            TemporaryError: no answer, or not before the deadline.
        """
        key = name.lower(), kind
        if key not in self._known:
            self._known[key] = self._ask(name, kind)
        return self._known[key]

    def text(self, name: str) -> list[bytes]:
        """
        Give the TXT records of a name, each in one piece.

        Raises:
            TemporaryError: as ask().
        """
        return [b"".join(strings) for strings in self.ask(name, "TXT") if isinstance(strings, tuple)]

    def _ask(self, name: str, kind: str) -> list[object]:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TemporaryError(f"no time left for {kind} of {name}")
        try:
            answer = self._resolver.resolve(name, kind, lifetime=left, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer, dns.resolver.YXDOMAIN):
            return []
        except (dns.resolver.LifetimeTimeout, dns.resolver.NoNameservers, OSError, EOFError) as error:
            raise TemporaryError(f"{kind} of {name}: {type(error).__name__}") from None
        except (dns.exception.DNSException, UnicodeError, ValueError):
            return []  # no name that DNS could have
        return [_value(record, kind) for record in answer if kind != "TXT" or _length(record) <= MAX_TEXT]


def _length(record: object) -> int:
    return sum(len(string) for string in getattr(record, "strings", ()))


def _value(record: object, kind: str) -> object:
    """Give a record as pyspf wants it."""
    match kind:
        case "TXT":
            return tuple(getattr(record, "strings", ()))
        case "MX":
            return getattr(record, "preference", 0), str(getattr(record, "exchange", "")).rstrip(".")
        case "PTR":
            return str(getattr(record, "target", "")).rstrip(".")
        case _:
            return str(getattr(record, "address", ""))
