"""Mutation testing of the core: `make mutants`, or `make mutants ARGS='--file jws.py'`.

Every node of the core is made wrong in every way that operators.py knows, one at a time, and the tests have to notice.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from tests.mutation import fresh
from tests.mutation.in_place import PATIENCE, SECONDS, InPlace
from tests.mutation.killers import ALL_OF_THE_CORE, FAST, rounds
from tests.mutation.mutants import Mutant, Source
from tests.mutation.tally import Tally
from tests.mutation.verdicts import Verdict, each

ROOT: Final = Path(__file__).parents[2]
CORE: Final = ROOT / "src" / "bearergate" / "core"


def main(arguments: Sequence[str]) -> int:
    """Judge every mutant, print the table and the survivors; 1 when one survived where none may."""
    parser = argparse.ArgumentParser(prog="make mutants", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--file", action="append", default=[], help="only this file of the core, for example jws.py")
    parser.add_argument("--workers", type=int, default=2, help="processes at a time")
    parser.add_argument("--quick", action="store_true", help="no second look at survivors in a fresh process")
    options = parser.parse_args(arguments)
    started = time.monotonic()
    files = options.file or sorted(path.name for path in CORE.glob("*.py"))
    mutants = [m for file in files for m in Source(file, (CORE / file).read_text(encoding="utf-8")).mutants()]
    print(f"{len(mutants)} mutants of {len(files)} files", flush=True)
    fresh.preload()
    tally = Tally(files, mutants)
    looked_at = set()
    for mutant, verdict in in_place(mutants, options.workers):
        tally.note(mutant, verdict)
        if verdict is not Verdict.UNFIT:
            looked_at.add(mutant)
    print(f"in place: {tally.summary()}, {time.monotonic() - started:.0f} s", flush=True)
    if not options.quick:
        for number in range(3):
            # Those that were judged in place have met all tests of the core that run them.
            asked = [mutant for mutant in tally.open() if number != ALL_OF_THE_CORE or mutant not in looked_at]
            for mutant, verdict in in_a_fresh_process(asked, number, options.workers):
                tally.note(mutant, verdict)
            print(f"afresh, round {number + 1}: {tally.summary()}, {time.monotonic() - started:.0f} s", flush=True)
    tally.print_table()
    return tally.exit_status(complete=not options.quick)


def in_place(mutants: Sequence[Mutant], workers: int) -> Iterable[tuple[Mutant, Verdict]]:
    """Verdicts of a process that collects the tests once, read from its pipe as they come."""
    reading, writing = os.pipe()
    with tempfile.TemporaryFile() as said:
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            _collect_and_judge(mutants, workers, writing, said.fileno())
        os.close(writing)
        with os.fdopen(reading, encoding="utf-8") as lines:
            for line in lines:
                number, verdict = json.loads(line)
                yield mutants[number], Verdict(verdict)
        _, status = os.waitpid(pid, 0)
        if status:
            said.seek(0)
            sys.exit(said.read().decode(errors="replace")[-5000:] + "\nthe tests fail without any mutant")


def _collect_and_judge(mutants: Sequence[Mutant], workers: int, pipe: int, said: int) -> None:
    status = 1
    try:
        os.dup2(said, 1)
        os.dup2(said, 2)
        numbers = {mutant: number for number, mutant in enumerate(mutants)}

        def tell(mutant: Mutant, verdict: Verdict) -> None:
            os.write(pipe, f"{json.dumps([numbers[mutant], verdict])}\n".encode())

        status = fresh.run_tests(FAST, InPlace(CORE, mutants, workers, tell))
    finally:
        sys.stdout.flush()
        os._exit(status)


def in_a_fresh_process(mutants: Sequence[Mutant], number: int, workers: int) -> Iterable[tuple[Mutant, Verdict]]:
    """Verdicts of processes that import the mutated package, on one round of tests."""
    paths = {mutant.file: rounds(ROOT, mutant.file)[number] for mutant in mutants}
    longest = max((_seconds_without_any_mutant(each_set) for each_set in {*paths.values()}), default=0.0)

    def judge(mutant: Mutant) -> Verdict:
        return fresh.judge(CORE, mutant, paths[mutant.file])

    return each(mutants, judge, workers=workers, seconds=SECONDS + PATIENCE * longest)


def _seconds_without_any_mutant(paths: Sequence[str]) -> float:
    """How long tests take that have nothing to notice; nothing can be said of mutants when they fail."""
    started = time.monotonic()
    ((_, verdict),) = each([None], lambda _: fresh.judge(CORE, None, paths), workers=1, seconds=600.0)
    if verdict is not Verdict.SURVIVED:
        sys.exit(f"the tests fail without any mutant: {' '.join(paths)}")
    return time.monotonic() - started


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
