"""The result as tables: each message in one line of the first, and counts that must add up."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.corpus.compare import EQUAL, IDENTICAL, REFUSED, SENT
from tests.corpus.edits import Edited
from tests.corpus.undo import HEADER_ALONE, NO_LINK, OWN_PART, TEXT

ALL_SHOWN = 40  # problems; more say nothing new


def complaints(result: dict) -> list[str]:
    """
    Return all that is wrong; empty where byte identity holds.

    Args:
        result: What compare.py prints.
    """
    found = [f"{name}: {what}" for name, what in result["problems"]]
    for source, counts in result["counts"].items():
        ends = sum(count for kind, count in counts.items() if kind not in (SENT, EQUAL))
        if ends != counts[SENT]:
            found.append(f"{source}: {counts[SENT]} sent, the end of {ends} is known")
        if counts.get(EQUAL, 0) + counts.get(REFUSED, 0) != counts[SENT]:
            found.append(f"{source}: {counts[SENT]} sent, {counts.get(EQUAL, 0)} equal on both roads")
    return found


def show(result: dict, console: Console) -> None:
    """Print the tables."""
    console.print(_by_kind(result["counts"]))
    table = Table("made message", "what became of it", title="Made to be odd; each as expected unless named below")
    for name, outcome in result["made"]:
        table.add_row(escape(name.partition("/")[2]), escape(outcome))
    console.print(table)
    _conclude(console, "byte identity", complaints(result))


def show_edits(edited: Edited, console: Console) -> None:
    """Print what came of the messages that were edited."""
    sources = sorted(edited.counts, key=lambda source: -sum(edited.counts[source].values()))
    title = "Edited: tagged, Subject marked, X-Mailer replaced, and linked to an archive"
    table = Table("all else as it came", *map(escape, sources), "all", title=title)
    for column in table.columns[1:]:
        column.justify = "right"
    for kind in (TEXT, OWN_PART, HEADER_ALONE, NO_LINK):
        numbers = [edited.counts[source][kind] for source in sources]
        table.add_row(kind, *map(str, numbers), str(sum(numbers)))
    console.print(table)
    _conclude(console, "identity but for the edits", [f"{name}: {what}" for name, what in edited.problems])


def _conclude(console: Console, what: str, found: list[str]) -> None:
    for complaint in found[:ALL_SHOWN]:
        console.print(f"[red]{escape(complaint)}[/]")
    if len(found) > ALL_SHOWN:
        console.print(f"[red]and {len(found) - ALL_SHOWN} more[/]")
    console.print(f"[red]{what} does not hold[/]" if found else f"[green]{what} holds[/]")


def _by_kind(counts: dict[str, dict[str, int]]) -> Table:
    """Make the table of counts: a column for each source, a row for each end a message can have."""
    sources = sorted(counts, key=lambda source: -counts[source][SENT])
    table = Table("", *[escape(source) for source in sources], "all", title="Byte identity, counts of messages")
    for column in table.columns[1:]:
        column.justify = "right"
    kinds = sorted({kind for of_source in counts.values() for kind in of_source} - {SENT, EQUAL, IDENTICAL, REFUSED})
    sections = ([SENT, EQUAL], [IDENTICAL, *kinds, REFUSED])
    for section in sections:
        for kind in section:
            numbers = [counts[source].get(kind, 0) for source in sources]
            table.add_row(escape(kind), *map(str, numbers), str(sum(numbers)))
        table.add_section()
    return table
