"""The WSGI environment (PEP 3333): what of it decides whether a request needs a token, and what a client may not set.

Shared by the adapters that meet one. Decides nothing and knows no framework.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from functools import lru_cache
from typing import Any, Final

from bearergate.core.admission import RequestFacts
from bearergate.core.bearer import AUTHORIZATION
from bearergate.core.handover import is_look_alike

_HEADER: Final = "HTTP_"
_CREDENTIALS: Final = f"{_HEADER}{AUTHORIZATION.upper()}"
_LONGEST_NAME: Final = 40
"""More of a key is not looked at, so that remembered names stay small."""


def request_facts(environ: Mapping[str, Any]) -> RequestFacts:
    """What decides whether the request needs a token; servers join several fields of one name by commas."""
    # PEP 3333 hands bytes over as latin-1 text; frameworks read the path as UTF-8 and replace what is none.
    path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace")
    return RequestFacts(
        method=environ["REQUEST_METHOD"],
        path=path,
        authorization=[environ[_CREDENTIALS]] if _CREDENTIALS in environ else [],
        is_cors="HTTP_ORIGIN" in environ and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ,
    )


def remove_look_alikes(environ: MutableMapping[str, Any]) -> None:
    """Remove request headers that could be taken for an identity that we proved."""
    for key in [key for key in environ if _is_look_alike(key[:_LONGEST_NAME])]:
        del environ[key]


@lru_cache(maxsize=512)
def _is_look_alike(key: str) -> bool:
    return key.startswith(_HEADER) and is_look_alike(key.removeprefix(_HEADER))
