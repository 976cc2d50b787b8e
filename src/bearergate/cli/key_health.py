"""What the health of an issuer's keys means to an operator: whether they can be used, and what to do where they ail.

Words only. What the numbers are, core/keyring.py says.
"""

from __future__ import annotations

from typing import Final

from bearergate.cli.times import duration
from bearergate.core.key_health import KeyHealth

_ANSWERS: Final = "see that it answers from this machine (route, proxy, ca_file, discovery_url)"


def can_be_used(keys: KeyHealth) -> bool:
    """Whether a token could be verified now."""
    return keys.is_in_force and keys.keys > 0


def why_not(keys: KeyHealth) -> str:
    """Why no usable keys were fetched."""
    if keys.problem is not None:
        return keys.problem
    is_empty = keys.last_success is not None and keys.keys == 0
    return "it publishes no key that can be used" if is_empty else "it did not answer in time"


def advice_on(issuer: str, keys: KeyHealth) -> str | None:
    """Cause and cure of what is wrong with an issuer's keys, or None."""
    if keys.last_success is None:
        cure = f"{_ANSWERS}, or start from a snapshot (bearergate keys export)"
        return f"{issuer} has given no keys, so its tokens are answered with 503: {why_not(keys)}; {cure}."
    if keys.expires_in is not None and keys.expires_in <= 0:
        return f"The keys of {issuer} are too old, so its tokens are answered with 503: {why_not(keys)}; {_ANSWERS}."
    if keys.keys == 0:
        return f"{issuer} publishes no key that can be used; have it publish public keys for signatures."
    if keys.problem is not None:
        rest = duration(keys.expires_in or 0.0)
        return f"{issuer} gives no keys now, and earlier ones are used for {rest} more: {keys.problem}; {_ANSWERS}."
    if keys.ignored_records:
        return (
            f"Shared records of the keys of {issuer} were not believed ({keys.ignored_records}); see that every "
            "machine has the same shared key and the right time, and that nobody else can write to the store."
        )
    return None
