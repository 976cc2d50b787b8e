"""The WSGI environment (PEP 3333): what of it decides whether a request needs a token, and what a client may not set.

Shared by the adapters that meet one. Decides nothing and knows no framework.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Final

from bearergate.core.admission import RequestFacts
from bearergate.core.bearer import AUTHORIZATION
from bearergate.core.handover import is_look_alike

_HEADER: Final = "HTTP_"
_CREDENTIALS: Final = f"{_HEADER}{AUTHORIZATION.upper()}"
_LONGEST_NAME: Final = 40
"""More of a key is not looked at, so that remembered names stay small."""
_REMEMBERED: Final = 512
"""Keys; every other one of a request is looked at anew."""


def request_facts(environ: Mapping[str, Any]) -> RequestFacts:
    """What decides whether the request needs a token; servers join several fields of one name by commas."""
    # PEP 3333 hands bytes over as latin-1 text; frameworks read the path as UTF-8 and replace what is none.
    path: str = environ.get("PATH_INFO", "")
    if not path.isascii():
        path = path.encode("latin-1").decode("utf-8", "replace")
    authorization = [environ[_CREDENTIALS]] if _CREDENTIALS in environ else []
    is_cors = "HTTP_ORIGIN" in environ and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
    return RequestFacts(environ["REQUEST_METHOD"], path, authorization, is_cors)


class Sieve:
    """Removes what a client must not have set. Keys that were found harmless are not looked at again."""

    def __init__(self, is_unwanted: Callable[[str], bool]) -> None:
        self._is_unwanted = is_unwanted
        self._harmless: set[str] = set()

    def clean(self, environ: MutableMapping[str, Any]) -> None:
        """Remove every unwanted key."""
        for key in environ.keys() - self._harmless:
            if self._is_unwanted(key[:_LONGEST_NAME]):
                del environ[key]
            elif len(self._harmless) < _REMEMBERED and len(key) <= _LONGEST_NAME:
                self._harmless.add(key)


def is_look_alike_key(key: str) -> bool:
    """Whether a key is of a request header that could be taken for an identity that we proved."""
    return key.startswith(_HEADER) and is_look_alike(key.removeprefix(_HEADER))


remove_look_alikes: Final = Sieve(is_look_alike_key).clean
"""Remove request headers that could be taken for an identity that we proved."""
