"""Fuzzing for a while: `make fuzz`, or `make fuzz ARGS='--cases 1000000 --seed 7'`.

Ends with 1 when an exception was foreign or an answer wrong.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Sequence
from random import SystemRandom

from tests.fuzz.campaign import CHUNK, TARGETS, Outcome, Target, chunks, run_chunk

_SHOWN = 20


def main(arguments: Sequence[str]) -> int:
    """Run so many cases, or as many as fit into the time, and print what was seen."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=1_000_000, help="how many cases, over all targets")
    parser.add_argument("--seconds", type=float, default=3600.0, help="stop after this time, finished or not")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**9), help="repeats a run")
    parser.add_argument("--workers", type=int, default=2, help="processes at a time")
    parser.add_argument("--target", choices=[target.name for target in TARGETS], help="only this target")
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}: {options.cases} cases, at most {options.seconds:.0f} s", flush=True)
    started = time.monotonic()
    wanted = [
        (number, place, options.seed, started + options.seconds)
        for number, place in _chunks(options.cases, options.target)
    ]
    seen = {target.name: Outcome(target.name) for target in TARGETS}
    with multiprocessing.get_context("fork").Pool(options.workers) as pool:
        for outcome in pool.imap_unordered(_run, wanted, chunksize=4):
            seen[outcome.target].add(outcome)
    return report(list(seen.values()), time.monotonic() - started)


def _chunks(cases: int, only: str | None) -> list[tuple[int, int]]:
    listed = [(TARGETS.index(target), number) for target, number in chunks(cases if only is None else cases * 20)]
    named = [chunk for chunk in listed if only in (None, TARGETS[chunk[0]].name)]
    return named[: max(1, cases // CHUNK)] if only else named


def _run(wanted: tuple[int, int, int, float]) -> Outcome:
    index, number, seed, end = wanted
    target: Target = TARGETS[index]
    # Out of time: nothing is run, and nothing is counted.
    return Outcome(target.name) if time.monotonic() > end else run_chunk(target, number, seed)


def report(outcomes: list[Outcome], seconds: float) -> int:
    """Print one line per target and everything that went wrong; 1 when anything did."""
    total = Outcome("all")
    for outcome in outcomes:
        total.add(outcome)
    print(f"{'target':<28}{'cases':>10}{'accepted':>10}{'slowest':>12}{'foreign':>9}{'wrong':>7}")
    for each in (*outcomes, total):
        figures = f"{each.cases:>10}{each.accepted:>10}{each.slowest * 1000:>9.1f} ms"
        print(f"{each.target:<28}{figures}{len(each.foreign):>9}{len(each.wrong):>7}")
    print(f"{total.cases} cases in {seconds:.0f} s, {total.cases / seconds:.0f} a second")
    print(f"{len(total.foreign)} foreign exceptions, {len(total.wrong)} wrong answers (false acceptances among them)")
    for finding in (total.foreign + total.wrong)[:_SHOWN]:
        print(finding)
    return int(bool(total.foreign or total.wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
