"""Every benchmark, one after the other, each in a process of its own: python -m benchmarks [--only NAME] [--quick]

With --quick, small runs that are written nowhere. The exit code is 1 where one failed; the others are run all the same.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from settings import HOME

ALL = (
    "engines", "cpu", "batch_sizes", "faulty", "profiling", "workers", "desk", "stored", "importing", "delivery",
    "limits",
)  # fmt: skip
ON_REQUEST = ("quality", "soak")  # about answers and about faults, and an hour long; they have no small run
Run = Callable[[str, Sequence[str]], int]


def run_all(names: Sequence[str], options: Sequence[str], run: Run) -> int:
    """Run them in this order and say how each ended; 1 where one failed."""
    failed = False
    for name in names:
        print(f"== {name}", flush=True)
        began = time.monotonic()
        code = run(name, options)
        failed = failed or code != 0
        words = "done" if code == 0 else f"FAILED with {code}"
        print(f"== {name}: {words} after {(time.monotonic() - began) / 60:.1f} minutes\n", flush=True)
    return int(failed)


def run_one(name: str, options: Sequence[str]) -> int:
    return subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *options], cwd=HOME, check=False).returncode


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", choices=(*ALL, *ON_REQUEST), metavar="NAME",
                        help=f"one of {', '.join((*ALL, *ON_REQUEST))}; may be given several times")  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="small runs, about a minute each")
    options = parser.parse_args()
    names = options.only or ALL
    if options.quick and (unable := set(names) & set(ON_REQUEST)):
        parser.error(f"{', '.join(sorted(unable))}: there is no small run.")
    return run_all(names, ["--quick"] if options.quick else [], run_one)


if __name__ == "__main__":
    sys.exit(main())
