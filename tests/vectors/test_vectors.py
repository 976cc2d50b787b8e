"""Every vector, by every path: refused by the row and for the reason that it names, or accepted.

A token that is refused for another reason is a failure too: the attack it stands for was not what stopped it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from bearergate.config import Settings
from bearergate.core.checks import OPENING, TABLE
from bearergate.core.metadata import well_known_urls
from bearergate.core.principal import Principal
from tests.figures import tell
from tests.vectors.paths import PATHS, WAYS, Verdict, bench
from tests.vectors.recipes import Vector, vectors

VECTORS = vectors()
CATEGORIES = {
    "algorithms", "audience", "claims", "client", "cnf", "groups", "headers", "issuer", "json", "keys", "kinds",
    "machines", "signatures", "structure", "subject", "time",
}  # fmt: skip
# The advisory rules that a token by itself can break; the others are about key life cycles, requests and adapters.
RULES = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 17, 18, 22, 28, 32, 34, 35, 36, 40, 41}
_OPENING_ROWS = {check.name for check in OPENING}


@dataclass
class Tally:
    """What the vectors of a run came to."""

    judged: Counter[str] = field(default_factory=Counter)
    false_accepts: list[str] = field(default_factory=list)
    false_rejects: list[str] = field(default_factory=list)
    other_reasons: list[str] = field(default_factory=list)

    def count(self, vector: Vector, path: str, verdicts: dict[str, Verdict]) -> None:
        """Take the verdicts of one vector down."""
        self.judged[path] += 1
        for way, verdict in verdicts.items():
            name = f"{vector.id} ({path}, {way})"
            if vector.accepted and verdict.reason is not None:
                self.false_rejects.append(name)
            elif not vector.accepted and verdict.reason is None:
                self.false_accepts.append(name)
            elif verdict.reason != vector.expect.get("reason"):
                self.other_reasons.append(name)


@pytest.fixture(scope="module")
def tally() -> Iterator[Tally]:
    tally = Tally()
    yield tally
    for path, judged in tally.judged.items():
        ways = ", ".join(WAYS)
        tell(f"vectors, path {path}", f"{judged} of {len(VECTORS)} judged by {ways}")
    tell("vectors: false accepts", len(tally.false_accepts))
    tell("vectors: false rejects", len(tally.false_rejects))
    tell("vectors: refused for another reason", len(tally.other_reasons))


def _members(principal: Principal, names: dict[str, Any]) -> dict[str, Any]:
    found = {name: getattr(principal, name) for name in names}
    return {
        name: sorted(value) if isinstance(value, frozenset) else list(value) if isinstance(value, tuple) else value
        for name, value in found.items()
    }


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector.category}: {vector.id}")
def test_a_token_meets_the_verdict_of_its_vector(vector: Vector, path: str, tally: Tally) -> None:
    token, judge = vector.token(), bench(path, vector)
    fetched_before = len(judge.fetched)
    verdicts = {way: ask(judge.validator, token) for way, ask in WAYS.items()}
    tally.count(vector, path, verdicts)
    reasons = {way: verdict.reason for way, verdict in verdicts.items()}
    assert reasons == dict.fromkeys(WAYS, vector.expect.get("reason"))
    assert verdicts["explain"].check == vector.expect.get("check")
    for verdict in verdicts.values():
        if verdict.principal is not None:
            named = vector.expect["principal"]
            assert _members(verdict.principal, named) == named
    # Whatever a token names, only documents of configured issuers are fetched, and none before the issuer is trusted.
    assert set(judge.fetched) <= set(_own_documents(judge.settings))
    if vector.expect.get("check") in _OPENING_ROWS:
        assert len(judge.fetched) == fetched_before


def _own_documents(settings: Settings) -> Iterator[str]:
    for policy in settings.issuers:
        yield well_known_urls(policy.issuer)[0]
        yield f"{policy.issuer.removesuffix('/')}/jwks"


def test_there_are_enough_vectors_of_every_category() -> None:
    counted = Counter(vector.category for vector in VECTORS)
    tell("vectors", f"{len(VECTORS)}: " + ", ".join(f"{count} {name}" for name, count in sorted(counted.items())))
    accepted = sum(1 for vector in VECTORS if vector.accepted)
    tell("vectors that must be accepted", accepted)
    assert len(VECTORS) >= 300
    assert set(counted) == CATEGORIES
    assert accepted >= 80


def test_no_two_vectors_have_one_name() -> None:
    assert [name for name, count in Counter(vector.id for vector in VECTORS).items() if count > 1] == []


def test_no_two_vectors_are_one_token() -> None:
    recipes = Counter(repr(sorted(vector.recipe.items())) for vector in VECTORS)
    assert [recipe for recipe, count in recipes.items() if count > 1] == []


def test_every_vector_says_where_it_comes_from() -> None:
    assert [vector.id for vector in VECTORS if not vector.source.strip()] == []


def test_every_advisory_rule_about_tokens_has_a_vector() -> None:
    named = {int(number) for vector in VECTORS for number in re.findall(r"\bR(\d+)", vector.source)}
    assert RULES - named == set()


def test_every_reason_of_every_row_that_a_token_can_provoke_is_expected_by_a_vector() -> None:
    promised = {(check.name, reason.value) for check in TABLE for reason in check.reasons}
    expected = {(vector.expect["check"], vector.expect["reason"]) for vector in VECTORS if not vector.accepted}
    assert promised - expected == set()
    assert expected - promised == set()
