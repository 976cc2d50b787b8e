"""Whose an accepted token is, as short lines for people: a label and what to read behind it.

Words only; knows neither terminal nor token. Values come from the token, so who prints them makes them harmless.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Final

from bearergate.cli.times import duration
from bearergate.core.principal import Principal

_MOST: Final = 20
"""Items of a list that are named; a token may hold a thousand groups."""
_ONE_WORD: Final = re.compile(r"[^\s,\"'()]+")


def caller_lines(principal: Principal, now: float) -> Iterator[tuple[str, str]]:
    """Label and text of each line. `now`: seconds since the epoch."""
    client, claim = principal.client_id, principal.client_id_claim
    problem = f" ({principal.groups_problem})" if principal.groups_problem else ""
    yield "caller", principal.subject
    yield "issuer", principal.issuer
    yield "client", f"{client} (from the claim {claim})" if client else "none: the token names no client"
    yield "audiences", _listed(principal.audiences)
    yield "scopes", _listed(sorted(principal.scopes))
    yield "groups", _listed(principal.groups) + problem
    yield "machine", "yes: the token was given to a client, not to a person" if principal.machine else "no"
    yield "expires", _expiry(principal.expires_at - now)


def _listed(items: Iterable[str]) -> str:
    # Whatever could be read as two items, or as something that we add, stands in quotes.
    texts = [item if _ONE_WORD.fullmatch(item) else json.dumps(item, ensure_ascii=False) for item in items]
    more = f" and {len(texts) - _MOST} more" if len(texts) > _MOST else ""
    return ", ".join(texts[:_MOST]) + more or "none"


def _expiry(seconds: float) -> str:
    if seconds < 0:
        return f"{duration(-seconds)} ago; accepted within the tolerated clock difference"
    return f"in {duration(seconds)}"
