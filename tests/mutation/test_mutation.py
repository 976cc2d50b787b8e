"""The harness behind `make mutants`: what it changes, how it judges, and that it reports no success it has not seen."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

from tests.mutation.equivalent import EQUIVALENT
from tests.mutation.in_place import changed_function, replace_code
from tests.mutation.killers import STRICT, rounds
from tests.mutation.mutants import Mutant, Source
from tests.mutation.operators import changes
from tests.mutation.tally import Tally
from tests.mutation.verdicts import Verdict, each

ROOT = Path(__file__).parents[2]
CORE = ROOT / "src" / "bearergate" / "core"
SAMPLE = '''
"""A module."""
LIMITS = (1, 2)

class Door:
    """A class."""
    width: int = 3

    def opens(self, age: int) -> bool:
        """A method."""
        if age > LIMITS[1]:
            return True
        return False
'''


def changed(source: str) -> set[str]:
    return {mutant.change for mutant in Source("sample.py", source).mutants()}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a < b", {"a < b -> a <= b", "a < b -> a >= b"}),
        ("a == b", {"a == b -> a != b"}),
        ("a not in b", {"a not in b -> a in b"}),
        ("a is None", {"a is None -> a is not None"}),
        ("a and b", {"a and b -> a or b", "a and b -> a", "a and b -> b"}),
        ("not a", {"not a -> a"}),
        ("a + b", {"a + b -> a - b"}),
        ("a(7)", {"7 + 1 in a(7)", "7 - 1 in a(7)"}),
        ("a(b=True)", {"True -> False in b=True"}),
        ("any(a)", {"any(a) -> all(a)"}),
        ("a.lower()", {"a.lower() -> a"}),
        ("sorted(a)", {"sorted(a) -> list(a)"}),
        ("a[:b]", {"[:b] -> without its upper bound"}),
        ("(a, b)", {"drop entry 0: a", "drop entry 1: b"}),
        ("{a: b}", {"drop member a"}),
        ("[a for a in b if c]", {"drop filter: if c"}),
        ("a if b else c", {"if b -> if False", "if b -> if True", "if b -> if not b"}),
    ],
)
def test_an_expression_can_be_wrong_in_these_ways(source: str, expected: set[str]) -> None:
    assert changed(f"x = {source}") == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("if a:\n    b = c", {"if a -> if False", "if a -> if True", "if a -> if not a"}),
        ("raise a", {"raise a -> pass", "raise a -> return None"}),
        ("raise a from b", {f"raise a from b -> {other}" for other in ("pass", "return None", "without its cause")}),
        ("return a", {"return a -> return None"}),
        ("return None", set()),
        ("a.b = c", {"remove a.b = c"}),
        ("a = c", set()),
        ("a()", {"remove a()"}),
        ("a += b", {"a += b -> a -= b"}),
        ("while a:\n    break", {"while a -> while False", "while a -> while not a", "break -> continue"}),
    ],
)  # fmt: skip
def test_a_statement_can_be_wrong_in_these_ways(source: str, expected: set[str]) -> None:
    body = "\n".join(f"    {line}" for line in source.splitlines())
    assert changed(f"def f():\n{body}") == expected


def test_what_says_nothing_at_run_time_is_left_alone() -> None:
    assert (
        changed(
            '"""Text 1."""\nx: Literal[1]\nT: TypeAlias = "int | None"\ndef f(a: Annotated[int, 1]) -> Final[2]: ...'
        )
        == set()
    )
    assert changed("class C(Mapping[str, int]): pass") == set()


def test_every_change_is_told_with_its_place_and_makes_other_code_of_the_one_node() -> None:
    source = Source("sample.py", SAMPLE)
    original = source.compiled("sample.py")
    mutants = source.mutants()
    assert [mutant.number for mutant in mutants] == list(range(len(mutants)))
    assert all(source.compiled("sample.py", mutant) != original for mutant in mutants)
    # Nothing of a mutant is left in the source it was made of.
    assert source.compiled("sample.py") == original
    boundary = next(mutant for mutant in mutants if ">=" in mutant.change)
    assert str(boundary) == "sample.py:11 (Door.opens): age > LIMITS[1] -> age >= LIMITS[1]"
    assert (boundary.line, boundary.end_line) == (11, 11)
    with pytest.raises(LookupError):
        source.compiled("sample.py", Mutant("sample.py", 10_000, 1, 1, "", "nothing"))


def test_an_operator_never_changes_the_node_it_is_given() -> None:
    for node in ast.walk(ast.parse(SAMPLE)):
        before = ast.dump(node)
        assert all(isinstance(new, ast.AST) for _, new in changes(node))
        assert ast.dump(node) == before


def loaded(source: Source) -> ModuleType:
    module = ModuleType("sample")
    exec(source.compiled("sample.py"), vars(module))
    return module


def test_a_function_that_is_loaded_gets_the_code_of_a_mutant() -> None:
    source = Source("sample.py", SAMPLE)
    module = loaded(source)
    boundary = next(mutant for mutant in source.mutants() if ">=" in mutant.change)
    pair = changed_function(source.compiled("sample.py"), source.compiled("sample.py", boundary))
    assert pair is not None
    functions = [value for value in vars(module.Door).values() if isinstance(value, FunctionType)]
    assert not module.Door().opens(2)
    assert replace_code(functions, *pair)
    assert module.Door().opens(2)
    assert not replace_code([], *pair)


def test_what_a_module_does_at_import_cannot_be_changed_in_place() -> None:
    source = Source("sample.py", SAMPLE)
    for mutant in source.mutants():
        pair = changed_function(source.compiled("sample.py"), source.compiled("sample.py", mutant))
        assert (pair is None) is (mutant.within in {"", "Door"})


def _spin(_: str) -> Verdict:
    while True:
        pass


def _crash(_: str) -> Verdict:
    signal.raise_signal(signal.SIGTERM)
    return Verdict.SURVIVED


def _fail(_: str) -> Verdict:
    raise KeyError("the harness has a fault")


@pytest.mark.parametrize(
    ("judge", "verdict"),
    [
        (lambda _: Verdict.SURVIVED, Verdict.SURVIVED),
        (lambda _: Verdict.KILLED, Verdict.KILLED),
        (_crash, Verdict.KILLED),
        (_spin, Verdict.TIMED_OUT),
        (_fail, Verdict.BROKEN),
    ],
)
def test_what_became_of_a_mutant_is_told_by_the_end_of_its_process(
    judge: Callable[[str], Verdict], verdict: Verdict
) -> None:
    assert sorted(each(["a", "b", "c"], judge, workers=2, seconds=0.05)) == [(task, verdict) for task in "abc"]


def mutants_of(file: str, count: int) -> list[Mutant]:
    return [Mutant(file, number, 1, 1, "f", f"change {number}") for number in range(count)]


def test_a_survivor_where_none_may_be_fails_the_run_and_so_does_one_that_was_never_judged() -> None:
    mutants = mutants_of(STRICT[0], 2)
    tally = Tally([STRICT[0]], mutants)
    assert tally.exit_status(complete=True) == 1
    for mutant in mutants:
        tally.note(mutant, Verdict.KILLED)
    assert (tally.exit_status(complete=False), tally.survivors()) == (0, [])
    tally.note(mutants[1], Verdict.SURVIVED)
    assert (tally.exit_status(complete=False), tally.survivors()) == (1, [mutants[1]])


def test_a_fault_of_the_harness_is_no_verdict() -> None:
    mutant = mutants_of("jwt.py", 1)[0]
    with pytest.raises(RuntimeError, match=r"the harness failed on jwt\.py:1"):
        Tally(["jwt.py"], [mutant]).note(mutant, Verdict.BROKEN)


def test_the_table_tells_every_file_and_every_survivor(capsys: pytest.CaptureFixture[str]) -> None:
    mutants = mutants_of("access.py", 3)
    tally = Tally(["access.py"], mutants)
    for mutant, verdict in zip(mutants, (Verdict.KILLED, Verdict.TIMED_OUT, Verdict.SURVIVED), strict=True):
        tally.note(mutant, verdict)
    tally.print_table()
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["access.py", "3", "1", "1", "0", "1"] in lines
    assert ["survived:", "access.py:1", "(f):", "change", "2"] in lines


def test_a_listed_mutant_that_was_noticed_or_is_gone_fails_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    mutant = mutants_of("access.py", 1)[0]
    monkeypatch.setitem(EQUIVALENT, ("access.py", "f", "change 0"), "It changes nothing.")
    tally = Tally(["access.py"], [mutant])
    tally.note(mutant, Verdict.SURVIVED)
    assert (tally.survivors(), tally.exit_status(complete=True)) == ([], 0)
    tally.note(mutant, Verdict.KILLED)
    assert tally.exit_status(complete=True) == 1


def test_a_listed_mutant_excuses_no_other_that_reads_like_it(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = (Mutant("access.py", number, 1, 1, "f", "0 + 1") for number in (1, 2))
    monkeypatch.setitem(EQUIVALENT, ("access.py", "f", "0 + 1"), "It changes nothing.")
    tally = Tally(["access.py"], [one, other])
    tally.note(one, Verdict.SURVIVED)
    tally.note(other, Verdict.SURVIVED)
    assert len(tally.survivors()) == 1


def test_every_listed_mutant_exists_and_has_a_reason() -> None:
    files = {file for file, _, _ in EQUIVALENT}
    existing = {
        (file, mutant.within, mutant.change)
        for file in files
        for mutant in Source(file, (CORE / file).read_text(encoding="utf-8")).mutants()
    }
    assert set(EQUIVALENT) <= existing
    assert all(reason.endswith(".") for reason in EQUIVALENT.values())


def test_every_module_has_tests_to_ask_about_it() -> None:
    for path in CORE.glob("*.py"):
        asked = rounds(ROOT, path.name)
        assert ("tests/core",) in asked
        assert all((ROOT / name).exists() for names in asked for name in names)


FRESH = """
import sys
from pathlib import Path
from tests.mutation import fresh
from tests.mutation.mutants import Source
core = Path(sys.argv[1])
mutants = Source("access.py", (core / "access.py").read_text(encoding="utf-8")).mutants()
wanted = [None, next(mutant for mutant in mutants if " -> audience is not None or" in mutant.change)]
from tests.mutation.verdicts import each
judge = lambda mutant: fresh.judge(core, mutant, ["tests/core/test_access.py"])
for mutant, verdict in each(wanted, judge, workers=2, seconds=60.0):
    print("verdict", mutant is None, verdict.name)
"""


def test_a_process_that_imports_a_mutated_module_tells_it_from_the_true_one() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    finished = subprocess.run(
        [sys.executable, "-c", FRESH, str(CORE)],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=55,
    )  # fmt: skip
    told = {line for line in finished.stdout.splitlines() if line.startswith("verdict")}
    assert told == {"verdict True SURVIVED", "verdict False KILLED"}
