"""
Mailboxes from a CSV file: all of them, or none and every reason with its line.

The first line names the columns: address, and if you like password and quota.  A password may be the hash that another
system has (passwords.SCHEMES); one in plain text is hashed here, which takes 30 ms of a processor each: 100,000 of them
take nearly an hour, while as many hashes take seconds.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import batched
from typing import Any, TextIO

from sqlalchemy import Connection, insert, select

from gateway.directory.passwords import check_plain, hashed, is_hash, ready
from gateway.directory.people import no_mailboxes
from gateway.directory.reach import OfFile, kind
from gateway.directory.tables import mailboxes
from gateway.settings.grammar import address as parse_address
from gateway.settings.grammar import size as parse_size
from gateway.settings.sizes import quota_too_small

COLUMNS = ("address", "password", "quota")
BATCH = 1000  # rows of one statement
MAX_FIELD = 1000  # octets
MAX_TOLD = 200  # mistakes
type Problem = tuple[int, str]  # line, what is wrong
type Advance = Callable[[int], object]  # told how many more rows are done


class BadRowsError(ValueError):
    """Lines that cannot be imported: FILE:LINE: what is wrong, one a line."""


@dataclass(frozen=True)
class Row:
    """A line of the file, checked."""

    line: int
    address: str
    hash: str | None  # {SCHEME}…
    plain: str | None  # password to be hashed
    quota: int | None  # octets


def read(file: TextIO) -> tuple[list[Row], list[Problem]]:
    """
    Read and check a file.

    Returns:
        The lines that are sound, and what is wrong with the others.
    """
    reader = csv.reader(file, strict=True)
    rows: list[Row] = []
    problems: list[Problem] = []
    lines: dict[str, int] = {}
    try:
        header = [column.strip().lower() for column in next(reader, [])]
        if "address" not in header or not set(header) <= set(COLUMNS) or len(set(header)) < len(header):
            return [], [(1, "expected the names of the columns: address, password, quota; address at least")]
        for fields in filter(None, reader):
            try:
                row = _row(reader.line_num, header, fields)
                if row.address in lines:
                    raise ValueError(f"{row.address} stands on line {lines[row.address]} too")
                lines[row.address] = row.line
                rows.append(row)
            except ValueError as error:
                problems.append((reader.line_num, str(error)))
    except (csv.Error, UnicodeDecodeError) as error:
        problems.append((reader.line_num + 1, f"{error}; expected CSV in UTF-8"))
    return rows, problems


def check(connection: Connection, of_file: OfFile, rows: Sequence[Row]) -> list[Problem]:
    """Compare rows with what is there: a domain without mailboxes, a mailbox that is there already, a small quota."""
    problems: list[Problem] = []
    kinds: dict[str, str | None] = {}
    for some in batched(rows, BATCH, strict=False):
        addresses = [row.address for row in some]
        there = set(connection.scalars(select(mailboxes.c.address).where(mailboxes.c.address.in_(addresses))))
        for row in some:
            domain = row.address.rpartition("@")[2]
            if domain not in kinds:
                kinds[domain] = kind(connection, of_file, domain)
            if kinds[domain] != "mailbox":
                problems.append((row.line, no_mailboxes(domain)))
            elif row.address in there or of_file.holds(row.address):
                problems.append((row.line, f"{row.address} is there already"))
            if what := quota_too_small(row.quota, of_file.message_size_limit):
                problems.append((row.line, f"quota: {what}"))
    return problems


def refuse(problems: Sequence[Problem], name: str) -> None:
    """
    Tell all that is wrong, in the order of the lines.

    Raises:
        BadRowsError: There is something.
    """
    if problems:
        told = [f"{name}:{line}: {what}" for line, what in sorted(problems)[:MAX_TOLD]]
        more = [f"and {len(problems) - MAX_TOLD} more"] if len(problems) > MAX_TOLD else []
        raise BadRowsError("nothing was imported:\n" + "\n".join(told + more))


def hashes(rows: Sequence[Row], advance: Advance) -> Iterator[tuple[Row, str | None]]:
    """Yield each row with its hash, made by all processors where the password is plain."""
    with ThreadPoolExecutor(os.process_cpu_count()) as pool:  # the hash is made outside the interpreter's lock
        for some in batched(rows, BATCH, strict=False):
            plain = [row.plain for row in some if row.plain is not None]
            made = iter(list(pool.map(hashed, plain)))
            for row in some:
                yield row, next(made) if row.plain is not None else row.hash
            advance(len(some))


def put(connection: Connection, rows: Iterator[tuple[Row, str | None]]) -> int:
    """Insert rows, and return how many they were."""
    count = 0
    for some in batched(rows, BATCH, strict=False):
        connection.execute(insert(mailboxes), [_values(row, hash_) for row, hash_ in some])
        count += len(some)
    return count


def _values(row: Row, hash_: str | None) -> Mapping[str, Any]:
    domain = row.address.rpartition("@")[2]
    return {"address": row.address, "domain": domain, "password": hash_, "quota": row.quota}


def _row(line: int, header: Sequence[str], fields: Sequence[str]) -> Row:
    if len(fields) != len(header):
        raise ValueError(f"{len(fields)} fields; expected {len(header)}")
    if any(len(field) > MAX_FIELD for field in fields):
        raise ValueError(f"a field of more than {MAX_FIELD} characters")
    values = dict(zip(header, fields, strict=True))
    password = values.get("password", "")
    quota = values.get("quota", "").strip()
    made = ready(password) if is_hash(password) else None
    if password and made is None:
        check_plain(password)
    return Row(
        line,
        parse_address(values["address"].strip()),
        made,
        password if password and made is None else None,
        parse_size(quota) if quota else None,
    )
