"""The tables [lists.*] and [dkim.*] of filter.toml, as what a worker links and signs with."""

from pathlib import Path

from gateway.edit.archive import MailingList
from gateway.edit.dkim import Signer, load_key
from gateway.worker_policies import table, text

_KEYS = frozenset({"list_id", "archive_url", "link", "footer", "posts"})


def lists(value: object) -> tuple[MailingList, ...]:
    """
    Read all lists.

    Raises:
        ValueError: what was expected, and of which list.
    """
    found = []
    for address, given in table(value, "tables of lists by address").items():
        keys = table(given, "a table")
        if set(keys) != _KEYS or keys["link"] not in ("header", "footer", "none"):
            raise ValueError(f"{', '.join(sorted(_KEYS))} of list {address}")
        words = {key: text(keys[key]) for key in _KEYS - {"posts"}}
        found.append(MailingList(address, **words, posts=bool(keys["posts"])))
    return tuple(found)


def signer(value: object) -> Signer | None:
    """
    Read all keys, the private ones as well, from their files.

    Raises:
        ValueError: what was expected, and for which domain.
    """
    keys = {}
    for domain, given in table(value, "tables of keys by domain").items():
        told = table(given, "a table")
        if set(told) != {"selector", "key_file"}:
            raise ValueError(f"selector and key_file of domain {domain}")
        keys[domain] = load_key(domain, text(told["selector"]), Path(text(told["key_file"])))
    return Signer(keys) if keys else None
