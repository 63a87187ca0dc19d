"""
Lookups as Postfix makes them in the tables we render: access(5), canonical(5), virtual(5).

The keys are those of gateway.toml, folded to lower case by its grammar, as Postfix folds them in indexed tables.
"""

from collections.abc import Collection, Mapping, Sequence

from gateway.settings.lookup import lookup_keys


def domain_of(address: str) -> str:
    """Return an address's domain in lower case, empty where it has none."""
    return address.rpartition("@")[2].lower() if "@" in address else ""


def sender_listed(address: str, entries: Collection[str]) -> str | None:
    """
    Return the entry of [senders] reject that a sender meets, or None.

    Source: access(5) with parent_domain_matches_subdomains empty: the address, its domain, .parent of that.
    """
    folded, domain = address.lower(), domain_of(address)
    labels = domain.split(".")
    parents = ["." + ".".join(labels[start:]) for start in range(1, len(labels))]
    return next((key for key in (folded, domain, *parents) if key and key in entries), None)


def address_in(address: str, table: Collection[str], delimiter: str) -> str | None:
    """Return the key under which an address is found: itself, without its extension, @domain; else None."""
    folded = address.lower()
    return next((key for key in lookup_keys(folded, delimiter) if key in table), None)


def expand(address: str, aliases: Mapping[str, Sequence[str]], delimiter: str) -> list[str]:
    """
    Return what an address stands for after all aliases, itself where it has none.

    Source: virtual(5): results are looked up again until they give themselves; virtual_alias_recursion_limit 1000.
    """
    final: dict[str, None] = {}
    seen: set[str] = set()
    waiting = [address]
    while waiting and len(seen) < 1000:
        current = waiting.pop(0)
        key = address_in(current, aliases, delimiter)
        if key is None or current.lower() in seen:
            final[current] = None
            continue
        seen.add(current.lower())
        waiting[:0] = aliases[key]  # an address among its own results is looked up again, and stays
    return list(final)
