"""The fast way: all tests are collected once; each mutant is a fork whose one function gets other code.

Only the tests that run the function are run, the shortest first. What a module does at import cannot be judged so.
"""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from types import CodeType, FunctionType
from typing import Final

import pytest
from coverage import Coverage

from tests.mutation.mutants import Mutant, Source
from tests.mutation.verdicts import Verdict, each

SECONDS: Final = 10.0
PATIENCE: Final = 3.0
"""Processor time that a mutant may take: so much, and so many times what all tests take without one."""


class InPlace:
    """A pytest plugin that takes the place of the loop over the tests."""

    def __init__(
        self, core: Path, mutants: Iterable[Mutant], workers: int, tell: Callable[[Mutant, Verdict], None]
    ) -> None:
        self._core = core
        self._mutants = tuple(mutants)
        self._workers = workers
        self._tell = tell
        self._failed = False
        self._seconds: dict[str, float] = {}
        self._functions: list[FunctionType] = []
        self._sources = {file: Source(file, (core / file).read_text(encoding="utf-8")) for file in self._files()}
        self._coverage = Coverage(data_file=None, config_file=False, include=[f"{core}/*.py"], branch=False)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._failed |= report.failed

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            raise session.Interrupted("the tests cannot be collected")
        self._coverage.start()
        self._run(session.items, each_test=self._coverage.switch_context)
        self._coverage.stop()
        if self._failed:
            raise session.Failed("the tests fail without any mutant")
        covered = self._contexts()
        items = {item.nodeid: item for item in session.items}
        gc.collect()
        self._functions = [
            found for found in gc.get_objects() if isinstance(found, FunctionType) and self._is_ours(found)
        ]
        gc.freeze()

        def judge(mutant: Mutant) -> Verdict:
            return self._judge(mutant, covered[mutant.file], items)

        seconds = SECONDS + PATIENCE * sum(self._seconds.values())
        for mutant, verdict in each(self._mutants, judge, workers=self._workers, seconds=seconds):
            self._tell(mutant, verdict)
        return True

    def _files(self) -> set[str]:
        return {mutant.file for mutant in self._mutants}

    def _is_ours(self, function: FunctionType) -> bool:
        return Path(function.__code__.co_filename).parent == self._core

    def _run(self, items: list[pytest.Item], each_test: Callable[[str], object] = lambda _: None) -> bool:
        """Whether all tests pass; ends with the first that does not."""
        for item, following in pairwise([*items, None]):
            assert item is not None
            each_test(item.nodeid)
            started = perf_counter()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            self._seconds.setdefault(item.nodeid, perf_counter() - started)
            if self._failed:
                return False
        return True

    def _contexts(self) -> dict[str, dict[int, set[str]]]:
        """For each file and line, the tests that run it."""
        data = self._coverage.get_data()
        covered: dict[str, dict[int, set[str]]] = defaultdict(dict)
        for file in self._files():
            for line, tests in data.contexts_by_lineno(str(self._core / file)).items():
                covered[file][line] = set(tests)
        return covered

    def _judge(self, mutant: Mutant, covered: dict[int, set[str]], items: dict[str, pytest.Item]) -> Verdict:
        filename = str(self._core / mutant.file)
        source = self._sources[mutant.file]
        pair = changed_function(source.compiled(filename), source.compiled(filename, mutant))
        if pair is None or not replace_code(self._functions, *pair):
            return Verdict.UNFIT
        near = _tests(covered, range(mutant.line, mutant.end_line + 1))
        far = _tests(covered, lines_of(pair[0])) - near
        ordered = [*sorted(near, key=self._seconds.__getitem__), *sorted(far, key=self._seconds.__getitem__)]
        return Verdict.SURVIVED if self._run([items[name] for name in ordered]) else Verdict.KILLED


def _tests(covered: dict[int, set[str]], lines: Iterable[int]) -> set[str]:
    # Lines that ran outside of any test are under the empty name.
    return {name for line in lines for name in covered.get(line, ()) if name}


def changed_function(old: CodeType, new: CodeType) -> tuple[CodeType, CodeType] | None:
    """The one function in which two versions of a module differ; None when the module itself does."""
    if _without_code(old) != _without_code(new):
        return None
    pairs = list(zip(_inner(old), _inner(new), strict=True))
    differing = [(before, after) for before, after in pairs if before != after]
    if len(differing) != 1:
        return None
    before, after = differing[0]
    # The body of a class runs at import; its methods do not.
    is_function = before.co_flags & 0x2  # CO_NEWLOCALS
    return (before, after) if is_function else changed_function(before, after)


def _inner(code: CodeType) -> list[CodeType]:
    return [constant for constant in code.co_consts if isinstance(constant, CodeType)]


def _without_code(code: CodeType) -> CodeType:
    return code.replace(co_consts=tuple(None if isinstance(c, CodeType) else c for c in code.co_consts))


def lines_of(code: CodeType) -> set[int]:
    """The lines of a function and of all that is defined inside it."""
    own = {line for *_, line in code.co_lines() if line}
    return own.union(*(lines_of(inner) for inner in _inner(code)))


def replace_code(functions: Iterable[FunctionType], old: CodeType, new: CodeType) -> bool:
    """Give the one function that runs this code another; False when there is not exactly one, or it does not fit."""
    # Not `==`: code that has run may differ from code that was only compiled.
    place = (old.co_filename, old.co_qualname, old.co_firstlineno)
    codes = [(function, function.__code__) for function in functions]
    found = [f for f, code in codes if (code.co_filename, code.co_qualname, code.co_firstlineno) == place]
    if len(found) != 1 or old.co_freevars != new.co_freevars:
        return False
    found[0].__code__ = new
    return True
