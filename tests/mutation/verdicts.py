"""One forked process per mutant: what became of it, with a bound on time and memory.

Knows no test and no source. A fault of the harness itself is never taken for a killed mutant.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from enum import IntEnum
from typing import Final, NoReturn, TypeVar

MEMORY: Final = 4 * 1024**3
"""Bytes of address space: a mutant that allocates for ever fails before it hurts anybody."""
WALL: Final = 6
"""How many times its processor time a mutant may take by the clock, since other programs run too."""

T = TypeVar("T")


class Verdict(IntEnum):
    """What became of a mutant; the exit status of the process that judged it."""

    SURVIVED = 0
    KILLED = 10
    TIMED_OUT = 11
    UNFIT = 12
    """Cannot be judged in this way: it needs a process that imports everything afresh."""
    BROKEN = 13
    """The judging itself failed: nothing is known about the mutant."""


def each(
    tasks: Iterable[T], judge: Callable[[T], Verdict], *, workers: int, seconds: float
) -> Iterator[tuple[T, Verdict]]:
    """Judge each task in a process of its own, at most `workers` at a time, `seconds` of processor time each."""
    waiting, running = deque(tasks), dict[int, tuple[T, int, float]]()
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                task = waiting.popleft()
                pid, pipe = _forked(task, judge, seconds)
                running[pipe] = (task, pid, time.monotonic() + seconds * WALL)
            # The end of the pipe is the end of the process that held the other side.
            ended, _, _ = select.select(list(running), [], [], 0.5)
            late = [pipe for pipe, (_, _, end) in running.items() if time.monotonic() > end]
            for pipe in {*ended, *late}:
                task, pid, _ = running.pop(pipe)
                yield task, _reaped(pid, pipe, kill=pipe not in ended)
    finally:
        for pipe, (_, pid, _) in running.items():
            _reaped(pid, pipe, kill=True)


def _forked(task: T, judge: Callable[[T], Verdict], seconds: float) -> tuple[int, int]:
    pipe, held = os.pipe()
    pid = os.fork()
    if pid == 0:
        _judged(task, judge, seconds)
    os.close(held)
    return pid, pipe


def _judged(task: T, judge: Callable[[T], Verdict], seconds: float) -> NoReturn:
    verdict = Verdict.BROKEN
    told = os.dup(2)
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 2))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        verdict = judge(task)
    except BaseException:  # noqa: BLE001 - whatever it was, this process ends here and says so
        os.write(told, f"{task}\n{traceback.format_exc()}".encode())
    finally:
        sys.stdout.flush()
        os._exit(verdict)


def _reaped(pid: int, pipe: int, *, kill: bool) -> Verdict:
    if kill:
        os.kill(pid, signal.SIGKILL)
    os.close(pipe)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        # A mutant that brings the interpreter down does not go unnoticed.
        return Verdict.TIMED_OUT if os.WTERMSIG(status) in (signal.SIGKILL, signal.SIGXCPU) else Verdict.KILLED
    return Verdict(os.WEXITSTATUS(status))
