"""
The plot of a run, as SVG written by hand: two panels of bars, so few lines that no plotting library is worth having.

Left throughput with its range over the rounds, right processor time per message by who used it.  Colours are told
apart by everybody (Okabe and Ito's), and readable on white and on black.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from tests.bench.figures import SIZES, Measurement, cpu, rate
from tests.bench.variants import TITLES

WIDTH, ROW, BAR, LABELS, PANEL, GAP = 1000, 26, 16, 250, 270, 80  # pixels
PARTS = {"server": "#999999", "gate 1": "#56b4e9", "filter": "#d55e00", "gate 2": "#0072b2"}
NAMES = {"server": "the one Postfix", "gate 1": "gate 1", "filter": "what stands between", "gate 2": "gate 2"}
STYLE = "text{font:12px sans-serif;fill:#777} .head{font-weight:bold} .end{text-anchor:end}"


def text(x: float, y: float, words: str, kind: str = "") -> str:
    """Write words at a place."""
    return f'<text x="{x:.1f}" y="{y:.1f}"{f' class="{kind}"' if kind else ""}>{escape(words)}</text>'


def bar(x: float, y: float, width: float, colour: str) -> str:
    """Draw a bar."""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" height="{BAR}" fill="{colour}"/>'


def throughput(measurements: Sequence[Measurement], octets: int, letters: Sequence[str], top: float) -> Iterator[str]:
    """Draw a size's bars of messages per second, each with a line from its lowest to its highest."""
    figures = {letter: rate(measurements, letter, octets) for letter in letters}
    scale = PANEL / max(figure.high for figure in figures.values())
    for number, letter in enumerate(letters):
        figure, y = figures[letter], top + number * ROW
        yield text(LABELS - 8, y + 12, f"{letter}  {TITLES[letter]}", "end")
        yield bar(LABELS, y, figure.median * scale, PARTS["filter" if letter in "cfg" else "server"])
        low, high = (LABELS + value * scale for value in (figure.low, figure.high))
        middle = y + BAR / 2
        yield f'<path d="M{low:.1f} {middle:.1f}H{high:.1f}" stroke="#444" stroke-width="2"/>'
        yield text(high + 6, y + 12, f"{figure.median:.0f}")


def processor(measurements: Sequence[Measurement], octets: int, letters: Sequence[str], top: float) -> Iterator[str]:
    """Draw a size's bars of processor time per message, in parts; a bar too long for the panel is cut."""
    left = LABELS + PANEL + GAP
    totals = {letter: cpu(measurements, letter, octets).median for letter in letters}
    others = [total for letter, total in totals.items() if letter not in "de"]  # whose time is a multiple of all else
    limit = 1.6 * max(others or totals.values())
    for number, letter in enumerate(letters):
        x, y = float(left), top + number * ROW
        room = PANEL * min(1.0, totals[letter] / limit)
        parts = next(one.cpu_ms for one in measurements if (one.variant, one.octets) == (letter, octets))
        medians = {part: cpu(measurements, letter, octets, part).median for part in PARTS if part in parts}
        for part, milliseconds in medians.items():
            width = room * milliseconds / sum(medians.values())
            yield bar(x, y, width, PARTS[part])
            x += width
        cut = " (cut)" if totals[letter] > limit else ""
        yield text(x + 6, y + 12, f"{totals[letter]:.2f}{cut}")


def legend(y: float) -> Iterator[str]:
    """Draw what the colours mean."""
    x = LABELS
    for part, colour in PARTS.items():
        yield f'<rect x="{x}" y="{y - 10}" width="10" height="10" fill="{colour}"/>'
        yield text(x + 14, y, NAMES[part])
        x += 30 + 7 * len(NAMES[part])


def svg(measurements: Sequence[Measurement]) -> str:
    """Return the plot of all that was measured."""
    pieces, y = [], 24.0
    for octets, size in SIZES.items():
        letters = [
            letter for letter in TITLES if any((one.variant, one.octets) == (letter, octets) for one in measurements)
        ]
        if not letters:
            continue
        pieces.append(text(LABELS, y, f"Messages of {size} per second", "head"))
        pieces.append(text(LABELS + PANEL + GAP, y, f"Milliseconds of processor time per message of {size}", "head"))
        pieces += throughput(measurements, octets, letters, y + 12)
        pieces += processor(measurements, octets, letters, y + 12)
        y += 12 + len(letters) * ROW + 30
    pieces += legend(y)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 20:.0f}"><style>{STYLE}</style>'
    return "\n".join([head, *pieces, "</svg>", ""])
