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
from gateway.settings.mistakes import Mistake, Problem, shown


@dataclass(frozen=True)
class Host:
    """An address and its names, one or more; the first is its PTR, and each gets an A or AAAA."""

    address: grammar.Address
    names: tuple[str, ...]


def from_table(table: Mapping[str, str]) -> tuple[list[Host], list[Problem]]:
    """Read [dns] hosts, whose names the model has checked already."""
    hosts: dict[grammar.Address, Host] = {}
    problems = []
    first: dict[grammar.Address, str] = {}
    for key, name in table.items():
        try:
            address = lan_address(key)
        except ValueError as error:
            problems.append(Problem(("dns", "hosts", key), f"{shown(key)}: {error}"))
            continue
        if address in hosts:
            text = "given twice; expected one name per address, since it has one PTR"
            problems.append(Problem(("dns", "hosts", key), text, other=("dns", "hosts", first[address])))
            continue
        first[address] = key
        hosts[address] = Host(address, (name,))
    return list(hosts.values()), problems


def from_file(name: str, text: str) -> tuple[dict[int, Host], list[Mistake]]:
    """
    Read a file in the format of hosts(5).

    Args:
        name: Name of the file, for messages.
        text: Its text; line ends LF.

    Returns:
        The hosts by line number, in the file's order, and what is wrong with the other lines.
    """
    hosts: dict[int, Host] = {}
    mistakes = []
    lines: dict[grammar.Address, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        words = list(re.finditer(r"[^ \t]+", line.partition("#")[0]))
        if not words:
            continue
        try:
            address = lan_address(words[0][0])
        except ValueError as error:
            mistakes.append(Mistake(name, number, words[0].start() + 1, f"{shown(words[0][0])}: {error}"))
            continue
        names, bad = _names(name, number, words[1:])
        mistakes += bad
        if address in lines:
            text = f"{address} given twice; expected one line per address, since it has one PTR (line {lines[address]})"
            mistakes.append(Mistake(name, number, words[0].start() + 1, text))
        elif not words[1:]:
            column = len(line.partition("#")[0].rstrip()) + 1
            mistakes.append(Mistake(name, number, column, f"{address} has no name; expected one or more"))
        elif names and not bad:
            hosts[number] = Host(address, names)
        lines.setdefault(address, number)
    return hosts, mistakes


def _names(file: str, number: int, words: list[re.Match[str]]) -> tuple[tuple[str, ...], list[Mistake]]:
    """Check the names of one line; a short alias that repeats the first label of the first name adds nothing."""
    names: list[str] = []
    mistakes = []
    for word in words:
        if names and word[0].lower() == names[0].partition(".")[0]:
            continue
        try:
            names.append(grammar.hostname(word[0]))
        except ValueError as error:
            mistakes.append(Mistake(file, number, word.start() + 1, f"{shown(word[0])}: {error}"))
    return tuple(dict.fromkeys(names)), mistakes


def lan_address(value: str) -> grammar.Address:
    """
    Parse the address of a host on the network.

    Raises:
        ValueError: Not an address, or one that no host on a network has, such as 127.0.0.1.
    """
    address = grammar.ip_address(value)
    if address.is_loopback or address.is_unspecified or address.is_multicast or address.is_link_local:
        raise ValueError("not the address of a host on the network; expected one inside a private network")
    return address


def lines_in_both(table: list[Host], file: Mapping[int, Host]) -> Iterator[int]:
    """Yield the lines of the file whose address [dns] hosts names too."""
    known = {host.address for host in table}
    return (number for number, host in file.items() if host.address in known)
