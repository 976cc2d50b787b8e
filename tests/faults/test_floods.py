"""Tokens that cannot be verified, in numbers: what they cost the issuer, and that good tokens do not notice.

On the real clock, with requests counted where they reach the issuer.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from bearergate.core.reasons import Reason
from bearergate.testing import FakeIssuer, Fault
from bearergate.validator import Validator
from tests.faults.scenes import ask, ask_async, going_on, in_threads, milliseconds, traffic_of
from tests.figures import tell
from tests.keys.patient import reason_of, validator_for

ALG = "EdDSA"
"""Quick to sign and to verify: floods are about numbers."""
REFILL = 10
"""Seconds in which the bucket of forced fetches gains one."""


def test_a_burst_of_2000_random_kids_costs_a_bucket_of_fetches_and_good_tokens_nothing() -> None:
    with FakeIssuer(alg=ALG).serve() as issuer:
        validator = validator_for(issuer)
        burst = [issuer.mint(header={"kid": f"random-{n}"}) for n in range(2000)]
        # The one fetch that everybody needs.
        validator.validate(issuer.mint())
        valid: Counter[Reason | None] = Counter()

        def judge_a_good_one() -> None:
            # A new one each time, so that no verdict is remembered.
            valid.update([reason_of(validator, issuer.mint())])
            threading.Event().wait(0.001)

        with going_on(4, judge_a_good_one), ThreadPoolExecutor(32) as pool:
            started = time.monotonic()
            refused = Counter(pool.map(partial(reason_of, validator), burst))
            took = time.monotonic() - started
        failures = valid.total() - valid[None]
        seen = f"{traffic_of(issuer)}; valid traffic meanwhile: {failures} of {valid.total()} failed; took {took:.1f} s"
        tell("2000 tokens with random kids in a burst, 32 threads", seen)
        assert refused == {Reason.KEY_UNKNOWN: 2000}
        assert (failures, valid.total() > 20) == (0, True)
        assert issuer.jwks_requests <= 4 + took // REFILL


def test_a_new_key_is_accepted_on_first_use() -> None:
    with FakeIssuer(alg=ALG).serve() as issuer:
        validator = validator_for(issuer)
        validator.validate(issuer.mint())
        issuer.rotate()
        first = ask(validator, issuer.mint())
        tell("a new key appears; its first token: without a flood", f"accepted after {milliseconds(first.seconds)}")
        assert first.reason is None
        assert issuer.jwks_requests == 2


def test_a_thousand_each_of_expired_forged_and_misdirected_tokens_cost_no_request() -> None:
    with FakeIssuer(alg=ALG).serve() as issuer:
        validator = validator_for(issuer)
        validator.warm()
        issuer.traffic.forget()
        long_ago = int(time.time()) - 3600
        hostile = {
            Reason.EXPIRED: [issuer.mint(exp=long_ago + n, iat=long_ago) for n in range(1000)],
            Reason.SIGNATURE_INVALID: [issuer.forge() for _ in range(1000)],
            Reason.AUDIENCE_MISMATCH: [issuer.mint(aud=f"https://other-{n}.test") for n in range(1000)],
        }
        with ThreadPoolExecutor(8) as pool:
            for reason, tokens in hostile.items():
                assert Counter(pool.map(partial(reason_of, validator), tokens)) == {reason: 1000}
        tell("expired / bad signature / wrong audience, 1000 each", f"{len(issuer.requests)} requests")
        assert issuer.connections == 0


def test_a_token_that_names_an_unusable_key_is_refused_a_thousand_times_without_another_request() -> None:
    with FakeIssuer(alg=ALG).serve() as issuer:
        entry = issuer.jwks()["keys"][0]
        others = [{**entry, "kid": "other", "key_ops": ["sign"]}, {"kty": "unknown", "kid": "odd"}]
        unusable = [{**entry, "use": "enc"}, *others]
        issuer.set_document(json.dumps({"keys": unusable}).encode())
        validator, token = validator_for(issuer), issuer.mint()
        with ThreadPoolExecutor(8) as pool:
            refused = Counter(pool.map(partial(reason_of, validator), [token] * 1000))
        seen = f"{refused[Reason.KEY_UNUSABLE]} times key_unusable, {traffic_of(issuer)}"
        tell("all keys unusable, and a token naming one of them, 1000 times", seen)
        assert refused == {Reason.KEY_UNUSABLE: 1000}
        assert (issuer.discovery_requests, issuer.jwks_requests) == (1, 1)


OWN_A, OWN_B, A_BY_B, B_BY_A = range(4)
ORDERS = [
    (OWN_A, OWN_B, A_BY_B, B_BY_A),
    (OWN_B, A_BY_B, OWN_A, B_BY_A),
    (A_BY_B, B_BY_A, OWN_A, OWN_B),
    (B_BY_A, OWN_A, OWN_B, A_BY_B),
]


def crossing(a: FakeIssuer, b: FakeIssuer) -> list[tuple[str, Reason | None]]:
    """Own tokens of two issuers, and tokens of each that are signed with the other's key of the same name."""
    return [
        (a.mint(), None),
        (b.mint(), None),
        (b.mint(iss=a.issuer), Reason.SIGNATURE_INVALID),
        (a.mint(iss=b.issuer), Reason.SIGNATURE_INVALID),
    ]


def judged(validator: Validator, token: str, *, in_loop: bool) -> Reason | None:
    if in_loop:
        return asyncio.run(ask_async(validator, token)).reason
    return reason_of(validator, token)


@pytest.mark.parametrize("order", ORDERS, ids=["a first", "b first", "a by b first", "b by a first"])
def test_the_same_kid_at_two_issuers_never_crosses(order: tuple[int, ...], request: pytest.FixtureRequest) -> None:
    with FakeIssuer(alg=ALG).serve() as a, FakeIssuer(alg=ALG).serve() as b:
        for issuer in (a, b):
            issuer.rotate(kid="the-same", keep_old=False)
            # Whoever comes first fetches; whoever comes next arrives in the middle of that.
            issuer.jwks_fault = Fault(delay=0.1)
        validator, cases = validator_for(a, b), crossing(a, b)
        in_turn = [cases[number] for number in order] * 10
        calls = [partial(judged, validator, token, in_loop=bool(index % 2)) for index, (token, _) in enumerate(in_turn)]
        seen = in_threads(calls, over=0.15)
        crossed = sum(verdict != due for verdict, (_, due) in zip(seen, in_turn, strict=True))
        scenario = f"same kid at two issuers, four orders, concurrently: {request.node.callspec.id}"
        tell(scenario, f"{crossed} of {len(seen)} crossed")
        assert crossed == 0
        assert (a.jwks_requests, b.jwks_requests) == (1, 1)
