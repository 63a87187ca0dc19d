"""
All messages edited in process, then on both roads through an appliance made for it, and a table of each.

    python -m tests.corpus [SAMPLE]

Exit codes: 0 byte identity holds, and with edits that of all else; 1 it does not, or could not be shown.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.corpus import edits
from tests.corpus.corpora import CorpusMissingError, ensure
from tests.corpus.messages import corpus
from tests.corpus.report import complaints, show, show_edits
from tests.corpus.run import compare_roads
from tests.stack.conftest import Maker

COLUMNS = (TextColumn("{task.description:<14}"), BarColumn(None), MofNCompleteColumn(), TimeElapsedColumn())


def edit(sample: int, console: Console) -> edits.Edited:
    """Edit all messages."""
    messages = [*edits.taken(), *corpus(sample)]
    with Progress(*COLUMNS, console=console) as bars:
        task = bars.add_task("edited", total=len(messages))
        return edits.run(messages, lambda done: bars.update(task, completed=done))


def travel(maker: Maker, sample: int, console: Console) -> dict:
    """Make the appliance and go both roads."""
    with console.status("starting an appliance"):
        appliance = maker("small")
    with Progress(*COLUMNS, console=console) as bars:
        tasks = {road: bars.add_task(f"through {road}", total=None, start=False) for road in ("filter", "socat")}

        def progress(road: str, done: int, of: int) -> None:
            bars.start_task(tasks[road])
            bars.update(tasks[road], completed=done, total=of)

        return compare_roads(appliance, "hop.test", "hop", sample=sample, progress=progress)


def main(sample: int) -> int:
    """Show byte identity; return the exit code."""
    console = Console()
    with TemporaryDirectory() as folder:
        maker = Maker(Path(folder))
        try:
            with console.status("fetching the corpora, once"):
                ensure()
            edited = edit(sample, console)
            show_edits(edited, console)
            result = travel(maker, sample, console)
        except (CorpusMissingError, AssertionError) as error:
            console.print(str(error), style="red", markup=False)
            return 1
        finally:
            maker.remove_all()
    show(result, console)
    return 1 if edited.problems or complaints(result) else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
