"""RedisStore: a Redis or Valkey server as the store of shared keys.

Opens a connection for each visit and keeps none, so that it lives through forks. Every call is cut after 100 ms, also
where a socket's own time limit does not reach. Knows nothing of what it stores.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, TypeVar

from redis import ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.exceptions import AuthenticationError, LockError, NoPermissionError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from bearergate.core.errors import ConfigError, Problem
from bearergate.shared_keys import StoreFailed

if TYPE_CHECKING:
    from redis.lock import Lock

CALL_SECONDS: Final = 0.1

_NAMELESS: Final = {"driver_info": None} if find_spec("redis.driver_info") else {"lib_name": None, "lib_version": None}
"""Saying which library this is would cost two round trips and tells the server what it need not know."""

Result = TypeVar("Result")


class RedisStore:
    """Where records are shared."""

    def __init__(self, url: str) -> None:
        """`url`: `redis://`, `rediss://` (TLS) or `unix://`, with its password if it has one. Connects nothing.

        Raises ConfigError for a URL that is none of these.
        """
        try:
            self._options = _options(url)
            ConnectionPool(**self._options).make_connection()
        except Exception:  # noqa: BLE001 - they are of many classes, and their text may hold a part of the password
            cure = "write redis://HOST:PORT/DATABASE, rediss:// or unix://, with the password percent-encoded"
            raise ConfigError([Problem("shared_keys", "the URL of the store cannot be used", cure)]) from None

    def __repr__(self) -> str:
        # The URL may hold a password.
        return "RedisStore()"

    def open(self) -> RedisVisit:
        """Connect; raises StoreFailed."""
        visit = RedisVisit(self._options)
        try:
            visit.greet()
        except StoreFailed:
            visit.close()
            raise
        return visit


class RedisVisit:
    """One connection and what is asked over it."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._client: Redis = Redis(connection_pool=ConnectionPool(**options))
        self._claimed: Lock | None = None
        self._closed = False

    def greet(self) -> None:
        """Connect and authenticate; raises StoreFailed."""
        self._within(self._client.ping)

    def load(self, name: str, limit: int) -> bytes | None:
        """See Visit."""
        value = self._within(partial(_read, self._client, name, limit))
        return value if value and isinstance(value, bytes) else None

    def save(self, name: str, value: bytes, seconds: float) -> None:
        """See Visit."""
        self._within(partial(self._client.set, name, value, px=_milliseconds(seconds)))

    def claim(self, name: str, seconds: float) -> bool:
        """See Visit."""
        lock = self._client.lock(name, timeout=seconds, blocking=False, thread_local=False)
        claimed: bool = self._within(lock.acquire)
        self._claimed = lock if claimed else None
        return claimed

    def release(self) -> None:
        """See Visit."""
        lock, self._claimed = self._claimed, None
        if lock is not None:
            self._within(partial(_give_back, lock))

    def close(self) -> None:
        """See Visit."""
        self._closed = True
        with suppress(RedisError, OSError):
            self._client.connection_pool.disconnect(inuse_connections=True)

    def _within(self, call: Callable[[], Result]) -> Result:
        """The result of a call, or StoreFailed once 100 ms are over.

        In a thread of its own: name resolution has no time limit, and that of a socket begins anew with every byte.
        """
        future: Future[Result] = Future()
        thread = threading.Thread(target=self._settle, args=(future, call), name="bearergate-store", daemon=True)
        try:
            thread.start()
        except (RuntimeError, MemoryError):
            raise StoreFailed("no thread could be started to ask it") from None
        try:
            return future.result(CALL_SECONDS)
        except (TimeoutError, RedisTimeoutError):
            self.close()
            raise StoreFailed(f"it did not answer within {CALL_SECONDS * 1000:.0f} ms") from None
        except (AuthenticationError, NoPermissionError):
            raise StoreFailed("it refused the user, the password or the command") from None
        except Exception as error:  # noqa: BLE001 - whatever it is, the issuer can still be asked
            # What the library wraps says more than its own class; no text, which may hold addresses.
            cause = error.__context__ if isinstance(error.__context__, OSError) else error
            raise StoreFailed(f"it could not be asked ({type(cause).__name__})") from None

    def _settle(self, future: Future[Result], call: Callable[[], Result]) -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - it is raised again where it is waited for
            future.set_exception(error)
        if self._closed:
            # A connection that came about too late.
            self.close()


def _options(url: str) -> dict[str, Any]:
    """What a connection is made with. Nothing in the URL undoes a limit."""
    return {
        **parse_url(url),  # type: ignore[no-untyped-call]
        "socket_timeout": CALL_SECONDS,
        "socket_connect_timeout": CALL_SECONDS,
        "retry": Retry(NoBackoff(), 0),
        "max_connections": 1,
        "decode_responses": False,
        "protocol": 2,
        **_NAMELESS,
    }


def _read(client: Redis, name: str, limit: int) -> object:
    try:
        # Not GET: a value of any length could have been put there.
        return client.getrange(name, 0, limit - 1)
    except ResponseError as error:
        # A value of another kind is no record, and saving one replaces it.
        if str(error).startswith("WRONGTYPE"):
            return None
        raise


def _give_back(lock: Lock) -> None:
    # It may have ended by itself.
    with suppress(LockError):
        lock.release()


def _milliseconds(seconds: float) -> int:
    return max(1, int(seconds * 1000))
