"""What became of all mutants: the table, the survivors, and whether the run has failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tests.mutation.equivalent import EQUIVALENT
from tests.mutation.killers import STRICT
from tests.mutation.mutants import Mutant
from tests.mutation.verdicts import Verdict

_ENDED = (Verdict.KILLED, Verdict.TIMED_OUT)


class Tally:
    """The latest verdict on each mutant."""

    def __init__(self, files: Sequence[str], mutants: Sequence[Mutant]) -> None:
        self._files = files
        self._verdicts: dict[Mutant, Verdict] = dict.fromkeys(mutants, Verdict.UNFIT)

    def note(self, mutant: Mutant, verdict: Verdict) -> None:
        if verdict is Verdict.BROKEN:
            raise RuntimeError(f"the harness failed on {mutant}")
        self._verdicts[mutant] = verdict

    def open(self) -> list[Mutant]:
        """Mutants that no test has noticed yet."""
        return [mutant for mutant, verdict in self._verdicts.items() if verdict not in _ENDED]

    def summary(self) -> str:
        return f"{len(self._verdicts) - len(self.open())} noticed, {len(self.open())} not"

    def survivors(self) -> list[Mutant]:
        """Mutants that no test noticed and that are not known to change nothing."""
        # Two changes of one function can read alike: an entry of the list stands for one of them.
        excused = {_key(mutant): mutant for mutant in self.open() if _key(mutant) in EQUIVALENT}
        return [mutant for mutant in self.open() if excused.get(_key(mutant)) is not mutant]

    def print_table(self) -> None:
        """One line per file, then every survivor."""
        survivors = self.survivors()
        print(f"\n{'file':<20}{'mutants':>9}{'killed':>9}{'timed out':>11}{'equivalent':>12}{'survived':>10}")
        rows = [(file, [m for m in self._verdicts if m.file == file]) for file in self._files]
        for name, mutants in (*rows, ("all", list(self._verdicts))):
            counts = Counter(self._verdicts[mutant] for mutant in mutants)
            survived = sum(mutant in survivors for mutant in mutants)
            equivalent = len(mutants) - counts[Verdict.KILLED] - counts[Verdict.TIMED_OUT] - survived
            figures = (counts[Verdict.KILLED], counts[Verdict.TIMED_OUT], equivalent, survived)
            print(f"{name:<20}{len(mutants):>9}{figures[0]:>9}{figures[1]:>11}{figures[2]:>12}{figures[3]:>10}")
        for mutant in survivors:
            word = "not judged" if self._verdicts[mutant] is Verdict.UNFIT else "survived"
            print(f"{word}: {mutant}")

    def exit_status(self, *, complete: bool) -> int:
        """1 when a mutant survived where none may, or the list of equivalent ones names one that did not survive."""
        open_keys = {_key(mutant) for mutant in self.open()}
        stale = [key for key in EQUIVALENT if key[0] in self._files and key not in open_keys]
        for key in stale if complete else ():
            print(f"listed as equivalent, but noticed or gone: {key}")
        strict = [mutant for mutant in self.survivors() if mutant.file in STRICT]
        return int(bool(strict) or (complete and bool(stale)))


def _key(mutant: Mutant) -> tuple[str, str, str]:
    return mutant.file, mutant.within, mutant.change
