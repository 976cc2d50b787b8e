"""Listens to a whole test run: every token that is minted, and every text that the package lets out.

Log records of every logger and level, events, errors and answers are searched for tokens as they come. Whoever finds
one fails the run, whatever its tests say. Changes nothing that it listens to.
"""

from __future__ import annotations

import functools
import logging
from collections import Counter, deque
from collections.abc import Callable, Iterator
from typing import Any, Final

from tests.secrecy.signatures import Secrets

_PENDING: Final = 64
"""Errors that are held until they are searched: what was expected is written into them after they are made."""
_REMEMBERED: Final = 50_000
_MAX_FINDINGS: Final = 20
_CLIENTS: Final = ("httpx2", "httpcore2")
"""Loggers of the clients that tests ask with: they write down the URL, with a token where a test puts one into it."""


class Listening:
    """What was heard."""

    def __init__(self) -> None:
        self.secrets = Secrets()
        self.heard: Counter[str] = Counter()
        """How many texts of each kind."""
        self.findings: list[str] = []
        self.test = "outside of any test"
        self._pending: deque[BaseException] = deque()
        self._seen: set[int] = set()

    def hear(self, kind: str, text: str) -> None:
        """Search a text, unless the same one was searched before."""
        self.heard[kind] += 1
        known = hash(text)
        if known in self._seen:
            return
        found = self.secrets.find(text)
        if found is not None:
            # Not what was found: the report is an output too.
            self.findings.append(f"{found} in {kind}, during {self.test}")
            return
        if len(self._seen) > _REMEMBERED:
            self._seen.clear()
        self._seen.add(known)

    def hear_error(self, error: BaseException) -> None:
        """Search an error once it is complete; at the latest when the test ends."""
        self._pending.append(error)
        if len(self._pending) > _PENDING:
            self._search(self._pending.popleft())

    def settle(self) -> None:
        """Search all errors that wait."""
        while self._pending:
            self._search(self._pending.popleft())

    def told(self) -> str:
        """The figures of the run in one line."""
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.heard.items()))
        return f"{self.secrets.noted} tokens minted; searched {kinds or 'nothing'}; {len(self.findings)} findings"

    def shown(self) -> Iterator[str]:
        """The findings, each once."""
        yield from list(dict.fromkeys(self.findings))[:_MAX_FINDINGS]

    def _search(self, error: BaseException) -> None:
        for each in _chain(error):
            notes = getattr(each, "__notes__", ())
            self.hear("errors", f"{_quietly(str, each)}\n{_quietly(repr, each)}\n{each.args}\n{vars(each)}\n{notes}")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those that a traceback would show with it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _quietly(show: Callable[[object], str], error: BaseException) -> str:
    try:
        return show(error)
    except Exception as problem:  # noqa: BLE001 - an error that was never completed cannot be shown
        return type(problem).__name__


class LogEars(logging.Handler):
    """Hears every log record as a file would show it, with its traceback."""

    def __init__(self, listening: Listening) -> None:
        super().__init__(logging.NOTSET)
        self._listening = listening
        self.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.partition(".")[0] in _CLIENTS:
            return
        try:
            self._listening.hear("log records", f"{self.format(record)}\n{record.args!r}")
        except (TypeError, ValueError):
            # Other handlers write what they cannot format to standard error, as it is.
            self._listening.hear("log records", f"{record.msg}\n{record.args!r}")


def listen(listening: Listening) -> None:
    """Put ears to the package: to minting, events, errors and logs."""
    from bearergate.core.errors import BearergateError
    from bearergate.decisions import Decisions
    from bearergate.testing import minting, signing

    @_around(signing.compact)
    def compact(token: str, *_: Any) -> None:
        listening.secrets.note(token)

    for module in (signing, minting):
        vars(module)["compact"] = compact

    @_around(Decisions.tell)
    def tell(_: None, __: Decisions, event: object) -> None:
        listening.hear("events", repr(event))

    Decisions.tell = tell  # type: ignore[method-assign]

    @_around(Exception.__init__)
    def made(_: None, error: BearergateError, *__: object) -> None:
        listening.hear_error(error)

    BearergateError.__init__ = made  # type: ignore[method-assign]
    logging.getLogger().addHandler(LogEars(listening))


def listen_to_answers(listening: Listening, responses: type[Any]) -> None:
    """Hear every answer that a driver of an adapter returns."""

    @_around(responses.__new__)
    def new(answer: tuple[int, list[tuple[str, str]], bytes], *_: object) -> None:
        status, headers, body = answer
        listening.hear("answers", f"{status}\n{headers}\n{body.decode('utf-8', 'replace')}")

    responses.__new__ = new


def _around(function: Callable[..., Any]) -> Callable[[Callable[..., None]], Callable[..., Any]]:
    """The function as it is; afterwards its result and its arguments are handed to a listener."""

    def decorate(listener: Callable[..., None]) -> Callable[..., Any]:
        @functools.wraps(function)
        def heard(*args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            listener(result, *args)
            return result

        return heard

    return decorate
