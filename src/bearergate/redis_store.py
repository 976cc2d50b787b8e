"""RedisStore: a Redis or Valkey server as the store of shared keys.

Opens a connection for each visit and keeps none, so that it lives through forks. Every call is cut after 100 ms, also
where a socket's own time limit does not reach. Knows nothing of what it stores.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, LockError, NoPermissionError, RedisError
from redis.retry import Retry

from bearergate.shared_keys import StoreFailed

if TYPE_CHECKING:
    from redis.lock import Lock

CALL_SECONDS: Final = 0.1

Result = TypeVar("Result")


class RedisStore:
    """Where records are shared."""

    def __init__(self, url: str) -> None:
        """`url`: `redis://`, `rediss://` (TLS) or `unix://`, with its password if it has one. Connects nothing."""
        self._url = url

    def __repr__(self) -> str:
        # The URL may hold a password.
        return "RedisStore()"

    def open(self) -> RedisVisit:
        """Connect; raises StoreFailed."""
        visit = RedisVisit(self._url)
        try:
            visit.greet()
        except StoreFailed:
            visit.close()
            raise
        return visit


class RedisVisit:
    """One connection and what is asked over it."""

    def __init__(self, url: str) -> None:
        self._client: Redis = Redis.from_url(
            url,
            socket_timeout=CALL_SECONDS,
            socket_connect_timeout=CALL_SECONDS,
            retry=Retry(NoBackoff(), 0),
            single_connection_client=False,
            max_connections=1,
            # Each would cost a round trip and tells the server what it need not know.
            lib_name=None,
            lib_version=None,
            protocol=2,
        )
        self._claimed: Lock | None = None

    def greet(self) -> None:
        """Connect and authenticate; raises StoreFailed."""
        self._within(self._client.ping)

    def load(self, name: str, limit: int) -> bytes | None:
        """See Visit."""
        # Not GET: a value of any length could have been put there.
        value = self._within(lambda: self._client.getrange(name, 0, limit - 1))
        return value if value and isinstance(value, bytes) else None

    def save(self, name: str, value: bytes, seconds: float) -> None:
        """See Visit."""
        self._within(lambda: self._client.set(name, value, px=_milliseconds(seconds)))

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
            # It may have ended by itself.
            with suppress(LockError):
                self._within(lock.release)

    def close(self) -> None:
        """See Visit."""
        with suppress(RedisError, OSError):
            self._client.connection_pool.disconnect(inuse_connections=True)

    def _within(self, call: Callable[[], Result]) -> Result:
        """The result of a call, or StoreFailed once 100 ms are over.

        In a thread of its own: name resolution has no time limit, and that of a socket begins anew with every byte.
        """
        future: Future[Result] = Future()
        thread = threading.Thread(target=_settle, args=(future, call), name="bearergate-store", daemon=True)
        try:
            thread.start()
            return future.result(CALL_SECONDS)
        except TimeoutError:
            self.close()
            raise StoreFailed(f"it did not answer within {CALL_SECONDS * 1000:.0f} ms") from None
        except LockError:
            raise
        except (AuthenticationError, NoPermissionError):
            raise StoreFailed("it refused the user, the password or the command") from None
        except (RedisError, OSError, ValueError) as error:
            # Not its own text, which may hold addresses.
            raise StoreFailed(f"it could not be asked ({type(error).__name__})") from None
        except RuntimeError:
            raise StoreFailed("no thread could be started to ask it") from None


def _settle(future: Future[Result], call: Callable[[], Result]) -> None:
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001 - it is raised again where it is waited for
        future.set_exception(error)


def _milliseconds(seconds: float) -> int:
    return max(1, int(seconds * 1000))
