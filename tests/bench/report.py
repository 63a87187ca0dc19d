"""Measurements as tables: on the terminal by rich, in docs/cost.md as Markdown, from the same rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table

from tests.bench.figures import SIZES, Figure, Measurement, cpu, rate, ratio, wishes
from tests.bench.variants import PRESSED, TITLES

type Row = list[str]

HEAD = ["", "road", "size", "messages/s", "of a", "of b", "of c", "CPU ms/message", "of it the filter's place"]
WISH_HEAD = ["figure", "size", "median (range)", "wanted", ""]


def spread(figure: Figure, digits: int) -> str:
    """Write a median with its range."""
    return f"{figure.median:.{digits}f} ({figure.low:.{digits}f}..{figure.high:.{digits}f})"


def rows(measurements: Sequence[Measurement]) -> Iterator[Row]:
    """Yield a row for each variant and size that was measured."""
    there = {(one.variant, one.octets) for one in measurements}
    for octets, size in SIZES.items():
        for letter, title in TITLES.items():
            if (letter, octets) not in there:
                continue
            row = [letter, title, size, spread(rate(measurements, letter, octets), 0)]
            for other in "abc":
                comparable = letter != other and letter != PRESSED and (other, octets) in there
                row.append(f"{ratio(measurements, (letter, other), octets).median:.2f}" if comparable else "")
            row.append(spread(cpu(measurements, letter, octets), 2))
            inner = any("filter" in one.cpu_ms for one in measurements if one.variant == letter)
            row.append(spread(cpu(measurements, letter, octets, "filter"), 2) if inner else "")
            yield row


def wish_rows(measurements: Sequence[Measurement]) -> Iterator[Row]:
    """Yield a row for each figure something is wanted of."""
    for wish in wishes(measurements):
        sign = "≥" if wish.at_least else "≤"
        met = "yes" if wish.granted else "no"
        yield [wish.what, SIZES[wish.octets], spread(wish.figure, 2), f"{sign} {wish.wanted:g}", met]


def markdown(head: Row, body: Sequence[Row]) -> str:
    """Write a table for a Markdown page."""
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def show(console: Console, title: str, head: Row, body: Sequence[Row]) -> None:
    """Print a table; a last cell `no` is red."""
    table = Table(title=title, title_justify="left")
    for number, name in enumerate(head):
        table.add_column(name, justify="left" if number < 2 else "right", no_wrap=number == 0)
    for row in body:
        table.add_row(*row, style="red" if row[-1] == "no" else None)
    console.print(table)


def tables(measurements: Sequence[Measurement]) -> str:
    """Return both tables for a Markdown page."""
    return markdown(HEAD, list(rows(measurements))) + "\n" + markdown(WISH_HEAD, list(wish_rows(measurements)))
