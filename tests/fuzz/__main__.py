"""
Fuzz: let atheris (libFuzzer) look for inputs that break a target, from the seeds that are kept.

    python -m tests.fuzz SECONDS DIRECTORY [TARGET...]

Each target gets its share of the seconds.  What reaches new code is kept in DIRECTORY/<target> for the next run; what
breaks a target is left in DIRECTORY as crash-*, and printed.  Where atheris has no wheel (it has for x86-64 only) the
same targets get seeds with a few octets changed, without its guidance, and that is said.

Exit codes: 0 nothing was found; 1 something was.
"""

from __future__ import annotations

import importlib.util
import random
import subprocess
import sys
import time
from pathlib import Path

from .mutation import mutate

SEEDS = Path(__file__).parent / "seeds"


def guided(target: str, seconds: int, directory: Path) -> int:
    """Run libFuzzer on one target, in a process of its own, for it never returns."""
    kept = directory / target
    kept.mkdir(parents=True, exist_ok=True)
    options = [f"-max_total_time={seconds}", "-max_len=4096", "-timeout=10", f"-artifact_prefix={directory}/"]
    program = [sys.executable, "-m", "tests.fuzz.guided", target, *options, "-print_final_stats=1"]
    return subprocess.run([*program, str(kept), str(SEEDS / target)], check=False).returncode


def unguided(target: str, seconds: int, directory: Path) -> int:
    """Change seeds at random until the time is over."""
    from .targets import TARGETS

    seeds = [path.read_bytes() for path in sorted((SEEDS / target).iterdir())]
    rng = random.Random(time.time_ns())
    end, runs = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        data = mutate(rng, seeds)
        try:
            TARGETS[target](data)
        except Exception as error:
            path = directory / f"crash-{target}-{runs}"
            path.write_bytes(data)
            print(f"{path}: {error!r}\n{data!r}")
            return 1
        runs += 1
    print(f"{target}: {runs} inputs, without guidance: atheris is not installed")
    return 0


def main(arguments: list[str]) -> int:
    """Run all targets, or those named."""
    from .targets import TARGETS

    seconds, directory = int(arguments[0]), Path(arguments[1])
    names = arguments[2:] or list(TARGETS)
    run = guided if importlib.util.find_spec("atheris") else unguided
    directory.mkdir(parents=True, exist_ok=True)
    return max([int(run(name, max(1, seconds // len(names)), directory) != 0) for name in names])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
