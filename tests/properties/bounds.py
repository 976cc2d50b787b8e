"""How long a property may search: a number of examples, the same ones in every run, and no clock."""

from __future__ import annotations

from hypothesis import HealthCheck, settings


def examples(number: int) -> settings:
    """Settings for a property that is tried with this many examples."""
    return settings(
        max_examples=number,
        deadline=None,
        database=None,
        derandomize=True,
        # They measure time, which says more of the machine than of the property.
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
