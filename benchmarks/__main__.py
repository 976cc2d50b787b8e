"""`make bench`: ours against other libraries, measured side by side; `make bench-guard`: what moved since then.

Puts the parts together: a run, its table, its JSON, the page and the chart.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks import guard, machine, page
from benchmarks.crew import WorkerFailed
from benchmarks.environments import CACHE
from benchmarks.proof import Unproven
from benchmarks.results import FOLDER, Results, newest
from benchmarks.run import FULL, QUICK, Run
from benchmarks.tables import bars, left_out, others, validation

QUICK_FILE: Final = CACHE / "quick.json"


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    if options.verb == "page":
        page.write()
        return 0
    try:
        if options.verb == "guard":
            return _guard(quick=not options.full)
        return _bench(quick=options.quick)
    except (Unproven, WorkerFailed) as problem:
        print(f"make bench: {problem}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench", description=(__doc__ or "").splitlines()[0])
    parser.set_defaults(verb="run", quick=False)
    parser.add_argument(
        "--quick", action="store_true", help="less than a minute, rough; keeps nothing for the repository"
    )
    verbs = parser.add_subparsers(dest="verb", metavar="")
    verbs.add_parser("page", help="print the page and the chart again from the newest results, measuring nothing")
    watch = verbs.add_parser(
        "guard",
        prog="make bench-guard",
        help="compare a quick run with the committed results",
        description="Compares the ratios of a quick run with the committed ones and prints those that moved by more "
        "than 25 %. It is no timed test: a figure that moved fails nothing, because a busy machine moves it too. The "
        "exit status is 0, and 1 only when a committed row is missing although everything it needs is here.",
    )
    watch.add_argument("--full", action="store_true", help="compare a whole run instead, which takes some minutes")
    return parser


def _bench(*, quick: bool) -> int:
    results = _run(quick=quick)
    if quick:
        results.save(QUICK_FILE)
        return 0
    path = FOLDER / machine.file_name(results.date, results.machine, results.versions)
    results.save(path)
    page.write()
    here = Path.cwd()
    print(f"\nwritten: {_short(path, here)}, {_short(page.PAGE, here)}, {_short(page.CHART, here)}")
    return 0


def _guard(*, quick: bool) -> int:
    path = newest()
    if path is None:
        print("nothing to compare with: no results are committed")
        return 0
    compared = guard.compare(Results.load(path), _run(quick=quick))
    print(f"\ncommitted: {path.name}\n{compared.text()}")
    return compared.exit_status


def _run(*, quick: bool) -> Results:
    started = time.monotonic()

    def say(said: str) -> None:
        print(f"# {time.monotonic() - started:4.0f} s  {said}", flush=True)

    results = Run(QUICK if quick else FULL, say).results()
    print(f"\n{page.taken_on(results)}\n\n{validation(results)}\n\n{bars(results)}")
    for heading, table in others(results):
        print(f"\n{heading}\n\n{table}")
    print(*left_out(results), sep="\n")
    return results


def _short(path: Path, here: Path) -> Path:
    return path.relative_to(here) if path.is_relative_to(here) else path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
