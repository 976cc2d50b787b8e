"""However many tokens are proven, the memory that they take has a bound, and what is used stays."""

from __future__ import annotations

import gc
import math
import tracemalloc
from typing import Any

import pytest

from bearergate.core.errors import ConfigError
from bearergate.core.jwt import JoseHeader
from bearergate.testing import FakeIssuer
from bearergate.verdicts import MAX_ENTRIES, MAX_SECONDS, MIN_BYTES, Verdict, VerdictBounds, Verdicts
from tests.core.people import PRINCIPAL
from tests.figures import tell
from tests.keys.patient import Clock
from tests.verdicts.scenes import PROVEN, REMEMBERED, Watched

HEADER = JoseHeader("RS256", "a", "JWT")
MANY = 10_000


class Content:
    """Vouches for everything."""

    def generation(self, header: JoseHeader) -> int:
        return 0

    def vouches(self, header: JoseHeader, generation: int) -> bool:
        return True


CONTENT = Content()


def verdict_on(token: str, until: float = math.inf) -> Verdict:
    return Verdict(token, PRINCIPAL, HEADER, PRINCIPAL.issuer, CONTENT, 0, -math.inf, until)


def token_number(number: int, length: int = 300) -> str:
    return f"{number:0{length}}"


def held(verdicts: Verdicts) -> dict[int, Verdict]:
    return {id(verdict): verdict for verdict in (*verdicts._young.values(), *verdicts._old.values())}


@pytest.mark.parametrize("entries", [1, 2, 3, 4, 7, 64, 4096])
def test_no_more_are_kept_than_allowed(entries: int) -> None:
    verdicts = Verdicts(VerdictBounds(entries=entries), Clock())
    most = 0
    for number in range(MANY if entries > 7 else 100):
        token = token_number(number)
        verdicts.keep(verdict_on(token))
        most = max(most, len(verdicts._young) + len(verdicts._old))
        assert verdicts.find(token) is not None
    assert most <= entries
    # Half of them at least, so that the number means something.
    assert most >= entries // 2


@pytest.mark.parametrize("length", [300, 2500, 16_000])
def test_no_more_bytes_are_kept_than_allowed(length: int) -> None:
    bound = 1024 * 1024
    verdicts = Verdicts(VerdictBounds(entries=MAX_ENTRIES, bytes=bound), Clock())
    most = 0
    for number in range(MANY // 10):
        token = token_number(number, length)
        verdicts.keep(verdict_on(token))
        kept = held(verdicts).values()
        most = max(most, sum(verdict.size for verdict in kept))
        assert verdicts._young_bytes == sum(verdict.size for verdict in verdicts._young.values())
        assert verdicts.find(token) is not None
    assert bound // 3 <= most <= bound


def test_tokens_of_any_length_share_the_bytes() -> None:
    bound = 256 * 1024
    verdicts = Verdicts(VerdictBounds(bytes=bound), Clock())
    for number in range(MANY // 5):
        verdicts.keep(verdict_on(token_number(number % 97, 100 + (number * 7919) % 16_000)))
        assert sum(verdict.size for verdict in held(verdicts).values()) <= bound
        assert verdicts._young_bytes == sum(verdict.size for verdict in verdicts._young.values())


def test_a_token_for_which_half_of_the_bytes_are_too_few_is_not_remembered() -> None:
    verdicts = Verdicts(VerdictBounds(bytes=MIN_BYTES), Clock())
    small, large = token_number(1), token_number(2, MIN_BYTES // 4)
    verdicts.keep(verdict_on(small))
    verdicts.keep(verdict_on(large))
    assert verdicts.find(large) is None
    assert verdicts.find(small) is not None


def test_a_token_that_is_used_again_and_again_is_never_forgotten() -> None:
    verdicts = Verdicts(VerdictBounds(entries=64), Clock())
    regular = token_number(MANY)
    verdicts.keep(verdict_on(regular))
    for number in range(MANY):
        verdicts.keep(verdict_on(token_number(number)))
        if number % 16 == 0:
            assert verdicts.find(regular) is not None
    assert verdicts.find(token_number(0)) is None


def test_proving_the_same_token_again_forgets_no_other() -> None:
    verdicts = Verdicts(VerdictBounds(entries=8), Clock())
    tokens = [token_number(number) for number in range(4)]
    for token in tokens:
        verdicts.keep(verdict_on(token))
    for _ in range(20):
        verdicts.keep(verdict_on(tokens[0]))
    assert all(verdicts.find(token) for token in tokens)


def test_what_was_proven_last_is_what_is_found_although_an_older_verdict_was_just_being_used() -> None:
    clock = Clock()
    verdicts = Verdicts(VerdictBounds(entries=4), clock)
    token = token_number(1)
    newer = verdict_on(token, until=clock.now + 200)

    class Slow(Content):
        def vouches(self, header: JoseHeader, generation: int) -> bool:
            # Meanwhile another thread proves the token anew.
            verdicts.keep(newer)
            return True

    verdicts.keep(verdict_on(token, until=clock.now + 100)._replace(voucher=Slow()))
    verdicts.keep(verdict_on(token_number(2)))
    verdicts.keep(verdict_on(token_number(3)))
    assert token_number(1)[-32:] in verdicts._old
    verdicts.find(token)
    assert verdicts.find(token) == newer


def test_real_tokens_are_bounded_too() -> None:
    clock = Clock()
    issuer = FakeIssuer(alg="EdDSA", clock=clock)
    watched = Watched(issuer, clock=clock, verdicts=VerdictBounds(entries=50))
    tokens = [issuer.mint() for _ in range(300)]
    for token in tokens:
        assert watched.judge(token) == PROVEN
        assert watched.judge(token) == REMEMBERED
        assert len({verdict.token for verdict in watched.kept}) <= 50
    assert watched.judge(tokens[0]) == PROVEN


def usual_claims(number: int) -> dict[str, Any]:
    """The claims of a large provider's token: two dozen of them, and twenty groups."""
    groups = [f"{number:08x}-{group:04x}-4a4a-8b8b-0123456789ab" for group in range(20)]
    texts = {f"claim_{index}": f"{number:06}-{'x' * 24}-{index}" for index in range(15)}
    return {"sub": f"user-{number}", "scope": "read write admin", "groups": groups, "roles": ["a", "b"], **texts}


def test_what_is_counted_for_a_verdict_is_not_less_than_it_takes() -> None:
    clock = Clock()
    issuer = FakeIssuer(alg="EdDSA", clock=clock)
    watched = Watched(issuer, clock=clock)
    # By the validator itself, for events would be kept by the watcher.
    validator, count = watched.validator, 60
    validator._decisions._observers = ()
    tokens = [issuer.mint(usual_claims(number)) for number in range(2 * count)]
    for token in tokens[:count]:
        validator.validate(token)
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for token in tokens[count:]:
            # As from a request: a text of its own, and all values asked for.
            principal = validator.validate(token[:1] + token[1:])
            assert len(principal.groups) == 20
            assert len(principal.claims) > 20
        gc.collect()
        taken = (tracemalloc.get_traced_memory()[0] - before) / count
    finally:
        tracemalloc.stop()
    counted = watched.kept[-1].size
    tell("memory of a remembered verdict", f"{taken / 1024:.1f} KiB, counted as {counted / 1024:.1f} KiB "
         f"(token of {len(tokens[0])} characters)")  # fmt: skip
    # An estimate: other versions of Python take a little more or less.
    assert taken <= 1.2 * counted


@pytest.mark.parametrize(
    ("bounds", "problem"),
    [
        ({"entries": -1}, "verdicts.entries: must be 0 to 1000000"),
        ({"entries": MAX_ENTRIES + 1}, "verdicts.entries: must be 0 to 1000000"),
        ({"bytes": MIN_BYTES - 1}, "verdicts.bytes: must be at least 65536"),
        ({"bytes": math.nan}, "verdicts.bytes: must be at least 65536"),
        ({"seconds": 0}, "verdicts.seconds: must be 1 to 300"),
        ({"seconds": MAX_SECONDS + 1}, "verdicts.seconds: must be 1 to 300"),
        ({"seconds": math.inf}, "verdicts.seconds: must be 1 to 300"),
        ({"seconds": math.nan}, "verdicts.seconds: must be 1 to 300"),
    ],
)
def test_what_is_no_bound_cannot_be_built(bounds: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        VerdictBounds(**bounds)
    assert problem in str(caught.value)


def test_every_bound_may_be_at_its_end() -> None:
    smallest = VerdictBounds(entries=0, bytes=MIN_BYTES, seconds=1)
    largest = VerdictBounds(entries=MAX_ENTRIES, bytes=1 << 40, seconds=MAX_SECONDS)
    assert (smallest.entries, largest.seconds) == (0, 300)
    with pytest.raises(ConfigError) as caught:
        VerdictBounds(entries=-1, bytes=0, seconds=0)
    assert len(caught.value.problems) == 3


def test_a_cache_that_is_off_keeps_nothing_whoever_asks() -> None:
    verdicts = Verdicts(VerdictBounds(entries=0), Clock())
    verdicts.keep(verdict_on("token"))
    assert verdicts.find("token") is None
    assert held(verdicts) == {}
