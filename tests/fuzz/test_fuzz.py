"""A short campaign with a fixed seed, and the proof that campaigns find faults; `make fuzz` runs a million cases."""

from __future__ import annotations

import json
from random import Random

import pytest

from bearergate.core.encoding import decode_base64url
from bearergate.core.screening import parse_jwk_set
from bearergate.testing.signing import new_key
from tests.figures import tell
from tests.fuzz import __main__ as command
from tests.fuzz import documents, referee, tokens
from tests.fuzz.campaign import CHUNK, TARGETS, Outcome, Target, chunks, run_chunk

SEED = 7
CHUNKS = 20


def test_some_thousand_spoilt_inputs_get_honest_answers_only() -> None:
    total = Outcome("all")
    for target, number in chunks(CHUNKS * CHUNK):
        total.add(run_chunk(target, number, SEED))
    tell(
        f"fuzzing, {len(TARGETS)} targets, seed {SEED}",
        f"{total.cases} cases, {total.accepted} accepted, {len(total.foreign)} foreign exceptions, "
        f"{len(total.wrong)} wrong answers, {total.cases / total.seconds:.0f} a second",
    )
    assert total.foreign + total.wrong == []
    assert total.cases == CHUNKS * CHUNK
    assert 0 < total.accepted < total.cases


def test_every_target_has_its_share_of_a_campaign() -> None:
    listed = [target for target, _ in chunks(20 * CHUNK)]
    assert {target.name: listed.count(target) for target in TARGETS} == {t.name: t.share for t in TARGETS}
    assert len(set(chunks(100 * CHUNK))) == 100


def test_the_same_seed_makes_the_same_cases_and_another_seed_others() -> None:
    for target in TARGETS:
        first, again, other = (target.make(Random(seed)) for seed in (1, 1, 2))
        assert first == again
        assert first != other


# What follows proves that a campaign can fail.


def test_a_foreign_exception_and_a_false_acceptance_are_found_and_can_be_seen_again() -> None:
    def careless(token: str) -> bool:
        decode_base64url(token.split(".")[2])
        return tokens.judge_spoilt(token)

    foreign = run_chunk(Target("careless", 1, tokens.spoilt, careless), 0, SEED).foreign
    assert {finding.split(":")[0] for finding in foreign} == {"IndexError", "NotStrict"}
    assert "seed 7, careless, chunk 0, case" in foreign[0]


@pytest.mark.parametrize(
    ("claims", "header", "fault"),
    [
        ({"exp": tokens.NOW - 30}, {}, "exp"),
        ({"exp": True}, {}, "exp"),
        ({"nbf": tokens.NOW + 31}, {}, "nbf"),
        ({"iat": "now"}, {}, "iat"),
        ({"aud": ["x"]}, {}, "aud"),
        ({"iss": "https://issuer.test/"}, {}, "iss"),
        ({"sub": " "}, {}, "sub"),
        ({"cnf": {}}, {}, "kind"),
        ({"azp": "b"}, {}, "client"),
        ({}, {"alg": "none"}, "alg"),
        ({}, {"kid": "other"}, "kid"),
        ({}, {"typ": "logout+jwt"}, "typ"),
        ({}, {"crit": []}, "processing"),
        ({"pad": "x" * 20_000}, {}, "size"),
    ],
)
def test_the_referee_sees_what_is_wrong_with_a_signed_token(
    claims: dict[str, object], header: dict[str, object], fault: str
) -> None:
    token = tokens.ISSUER.mint({"client_id": "a", **claims}, header=header)
    assert faults_of(token) == [fault]
    assert faults_of(tokens.ISSUER.mint()) == []


@pytest.mark.parametrize(
    "said", [{}, {"n": None}, {"n": 5}, {"n": ["BQ"]}, {"n": {"a": "BQ"}}, {"n": "BR"}, {"n": "B"}]
)
def test_the_referee_takes_an_odd_number_of_a_key_for_none_at_all(said: dict[str, object]) -> None:
    assert not referee.spells(said, n=5)
    assert referee.spells({"n": "BQ", "e": "AQAB"}, n=5, e=65537)
    assert not referee.spells({"n": "BQ", "e": "AQAB"}, n=5, e=3)


def test_the_referee_sees_a_key_of_another_entry_behind_a_kid() -> None:
    honest, other = (new_key("EdDSA", "a").jwk() for _ in range(2))
    (key,) = parse_jwk_set(json.dumps({"keys": [honest]}).encode()).keys
    assert documents.is_one_of(key, [other, honest])
    assert not documents.is_one_of(key, [other, {**honest, "x": 7}, {**honest, "d": "secret"}])


def faults_of(token: str) -> list[str]:
    kid = tokens.ISSUER.signing_key.kid
    return referee.token_faults(
        token,
        alg="EdDSA",
        kid=kid,
        issuer=tokens.ISSUER.issuer,
        audience=tokens.AUDIENCE,
        now=tokens.NOW,
        leeway=tokens.LEEWAY,
    )


def test_a_campaign_that_found_something_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.report([Outcome("a", cases=3, seconds=1.0)], 1.0) == 0
    assert command.report([Outcome("a", cases=3, seconds=1.0, wrong=["let in"])], 1.0) == 1
    assert command.report([Outcome("a", cases=3, seconds=1.0, foreign=["KeyError"])], 1.0) == 1
    assert "let in" in capsys.readouterr().out
