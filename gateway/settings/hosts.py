"""
The hosts that bind serves PTR records for: [dns] hosts and the file beside it, merged.

The file has the format of /etc/hosts, but each line's first name must be fully qualified: it becomes the PTR, and
Postfix shows it in Received: only if it resolves back.  An address is named in one of the two places, once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.settings import grammar
from gateway.settings.mistakes import Path, Problem, shown

FILE: Path = ("dns", "hosts_file")  # (*FILE, line, column) is a place in the file


@dataclass(frozen=True)
class Host:
    """An address and its names, one or more; the first is its PTR, and each gets an A or AAAA."""

    address: grammar.Address
    names: tuple[str, ...]


type Entry = tuple[Path, Host]  # a host and where it is given


def merge(table: Mapping[str, str], text: str) -> tuple[list[Entry], list[Problem]]:
    """
    Read [dns] hosts, then the text of hosts_file (empty without one).

    Returns:
        Each host once, in the order given, and what is wrong with the rest.
    """
    entries: list[Entry] = []
    problems: list[Problem] = []
    first: dict[grammar.Address, Path] = {}
    for found in (*_from_table(table), *_from_file(text)):
        if isinstance(found, Problem):
            problems.append(found)
            continue
        path, host = found
        if host.address in first:
            what = f"{host.address} is given twice; expected it once, since an address has one PTR"
            problems.append(Problem(path, what, other=first[host.address]))
            continue
        first[host.address] = path
        if host.names:
            entries.append(found)
    return entries, problems


def _from_table(table: Mapping[str, str]) -> Iterator[Entry | Problem]:
    for key, name in table.items():
        path: Path = ("dns", "hosts", key)
        try:
            yield path, Host(lan_address(key), (name,))  # the model has checked the name
        except ValueError as error:
            yield Problem(path, str(error))


def _from_file(text: str) -> Iterator[Entry | Problem]:
    """Read hosts(5): an address, its names, and a comment after #."""
    for number, line in enumerate(text.split("\n"), 1):
        words = list(re.finditer(r"[^ \t]+", line.partition("#")[0]))
        if not words:
            continue
        path = (*FILE, number, words[0].start() + 1)
        try:
            address = lan_address(words[0][0])
        except ValueError as error:
            yield Problem(path, f"{shown(words[0][0])}: {error}")
            continue
        names, problems = _names(number, words[1:])
        yield path, Host(address, names)
        yield from problems
        if not words[1:]:
            yield Problem(path, f"{address} has no name; expected one or more behind it")


def _names(number: int, words: list[re.Match[str]]) -> tuple[tuple[str, ...], list[Problem]]:
    """Check the names of one line; a short alias that repeats the first label of the first name adds nothing."""
    names: list[str] = []
    problems = []
    for word in words:
        if names and word[0].lower() == names[0].partition(".")[0]:
            continue
        try:
            names.append(grammar.hostname(word[0]))
        except ValueError as error:
            problems.append(Problem((*FILE, number, word.start() + 1), f"{shown(word[0])}: {error}"))
    return tuple(dict.fromkeys(names)), problems


def lan_address(value: str) -> grammar.Address:
    """
    Parse the address of a host on the network.

    Raises:
        ValueError: Not an address, or one that no host on a network has, such as 127.0.0.1.
    """
    address = grammar.ip_address(value)
    if address.is_loopback or address.is_unspecified or address.is_multicast or address.is_link_local:
        raise ValueError("no host on a network has this address; expected one inside a private network")
    return address
