"""What a route demands of a principal."""

from __future__ import annotations

from typing import Any

import pytest

from bearergate.core.access import check_access
from bearergate.core.errors import AccessDenied, AudienceRejected, InsufficientScope
from bearergate.core.principal import Principal
from bearergate.core.reasons import Reason
from tests.core.people import principal

READER = principal(scopes=frozenset({"read", "list"}), groups=("dev", "ops"), audiences=("api", "other"))


@pytest.mark.parametrize(
    "demands",
    [
        {},
        {"scope": "read"},
        {"scope": "list  read"},
        {"group": "ops"},
        {"audience": "other"},
        {"scope": "read", "group": "dev", "audience": "api"},
    ],
)
def test_who_has_everything_passes(demands: dict[str, Any]) -> None:
    check_access(READER, **demands)


@pytest.mark.parametrize("scope", ["write", "read write", "rea", "READ"])
def test_a_missing_scope_is_insufficient(scope: str) -> None:
    with pytest.raises(InsufficientScope) as caught:
        check_access(READER, scope=scope)
    assert (caught.value.scope, caught.value.reason) == (scope, Reason.SCOPE_INSUFFICIENT)


def test_another_audience_is_refused() -> None:
    with pytest.raises(AudienceRejected) as caught:
        check_access(READER, audience="third", scope="write")
    assert caught.value.reason is Reason.AUDIENCE_MISMATCH


@pytest.mark.parametrize(
    ("who", "reason"),
    [
        (READER, Reason.GROUPS_MISSING),
        (principal(groups_problem=Reason.GROUPS_MALFORMED), Reason.GROUPS_MALFORMED),
        (principal(groups=("dev",), groups_problem=Reason.RESERVED_GROUP), Reason.RESERVED_GROUP),
        (principal(groups_problem=Reason.GROUPS_OVERAGE), Reason.GROUPS_OVERAGE),
        # Nothing is decided on a list that is known to be cut.
        (principal(groups=("admin",), groups_problem=Reason.GROUPS_OVERAGE), Reason.GROUPS_OVERAGE),
    ],
)
def test_a_missing_group_is_denied_with_its_problem(who: Principal, reason: Reason) -> None:
    with pytest.raises(AccessDenied) as caught:
        check_access(who, group="admin")
    assert caught.value.reason is reason


def test_groups_that_were_kept_count_although_others_were_dropped() -> None:
    check_access(principal(groups=("dev",), groups_problem=Reason.RESERVED_GROUP), group="dev")
