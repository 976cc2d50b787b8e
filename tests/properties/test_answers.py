"""Whatever an issuer signs, the answer is a Principal or a Refusal; explain says the same; who is accepted is good."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bearergate.core.claims import CLIENT_CLAIMS
from bearergate.core.errors import AccessDenied, BadSignature, InvalidToken
from bearergate.core.groups import is_reserved
from bearergate.core.jws import SLOW_ALGORITHMS
from bearergate.core.policy import (
    AudienceMatch,
    GroupsFrom,
    IssuerPolicy,
    MachineClients,
    MachineMark,
    MachineMode,
    TokenKind,
)
from bearergate.core.screening import parse_jwk_set
from bearergate.testing import FakeIssuer
from tests.core.judging import NOW, POLICY, judge, keys_of, verdict
from tests.properties.bounds import examples
from tests.properties.strategies import (
    CLAIM_NAMES,
    HEADER_NAMES,
    bent,
    changed,
    json_documents,
    json_objects,
    loose_documents,
)

ISSUER: Final = FakeIssuer("https://issuer.test", alg="Ed25519", clock=lambda: NOW, audience="api", client_id="app")
KEYS: Final = keys_of(ISSUER)
FAMILIES: Final = ("RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA")


def under(**changes: Any) -> IssuerPolicy:
    return replace(POLICY, issuer=ISSUER.issuer, **changes)


# Drawn as a whole: a policy put together from a dozen draws is most of the time of a property.
POLICIES: Final = (
    under(),
    under(leeway=0, max_token_age=60, max_lifetime=300),
    under(leeway=300, skip_nbf=True, refuse_impersonated=True),
    under(allowed_clients=frozenset({"app"}), require={"email": ()}),
    under(allowed_clients=frozenset({"api"}), client_from_audience=True, token_kind=TokenKind.ANY),
    under(audiences=frozenset({"api", "app"}), audience_match=AudienceMatch.ALL),
    under(audiences=frozenset({"api", "app"}), audience_match=AudienceMatch.EXACT),
    under(token_kind=TokenKind.ID_TOKEN, require={"sub": ("user-1", 1, True, None)}),
    under(token_kind=TokenKind.RFC9068),
    under(groups=GroupsFrom(required=True, prefix="corp:")),
    under(groups=GroupsFrom(claim="act.sub")),
    under(groups=GroupsFrom(claim="email", required=True)),
    under(machines=MachineClients(mode=MachineMode.COMPAT, group_by_subject=True)),
    under(machines=MachineClients(mode=MachineMode.COMPAT, allow=frozenset({"app"})), client_from_audience=True),
    *(
        under(machines=MachineClients(mode=MachineMode.STRICT, mark=mark, allow=frozenset({"app", "api"})))
        for mark in MachineMark
    ),
)
policies: Final = st.sampled_from(POLICIES)


def good_claims() -> dict[str, object]:
    return ISSUER.claims(jti="id-1")


@examples(80)
@given(changed(good_claims(), CLAIM_NAMES), policies)
def test_good_claims_with_any_changes_are_judged_by_any_policy(claims: dict[str, Any], policy: IssuerPolicy) -> None:
    verdict(ISSUER.mint_raw(payload=claims), policy, keys=KEYS)


@examples(60)
@given(json_objects, policies)
def test_any_object_is_judged_as_claims(claims: dict[str, Any], policy: IssuerPolicy) -> None:
    verdict(ISSUER.mint_raw(payload={**claims, "iss": ISSUER.issuer}), policy, keys=KEYS)


@examples(60)
@given(loose_documents | json_documents)
def test_any_bytes_are_judged_as_claims(raw: bytes) -> None:
    assert verdict(ISSUER.mint_raw(payload=raw), keys=KEYS) is not None


@examples(80)
@given(changed(ISSUER.header(), HEADER_NAMES))
def test_a_good_header_with_any_changes_is_judged(header: dict[str, Any]) -> None:
    verdict(ISSUER.mint_raw(header=header), keys=KEYS)


@examples(60)
@given(loose_documents | json_documents | json_objects.map(lambda members: json.dumps(members).encode()))
def test_any_bytes_are_judged_as_a_header(raw: bytes) -> None:
    assert verdict(ISSUER.mint_raw(header=raw), keys=KEYS) is not None


@examples(150)
@given(changed(good_claims(), CLAIM_NAMES, most=2), policies)
def test_an_accepted_token_is_what_every_policy_wants_of_it(claims: dict[str, Any], policy: IssuerPolicy) -> None:
    try:
        principal = judge(ISSUER.mint_raw(payload=claims), policy, keys=KEYS)
    except (InvalidToken, AccessDenied):
        return
    assert (principal.issuer, claims["iss"]) == (ISSUER.issuer, ISSUER.issuer)
    assert principal.subject == claims["sub"]
    assert principal.subject.strip()
    assert principal.expires_at == claims["exp"] > NOW - policy.leeway
    assert policy.skip_nbf or claims.get("nbf", 0) <= NOW + policy.leeway
    assert claims.get("iat", 0) <= NOW + policy.leeway
    audiences = {claims["aud"]} if isinstance(claims["aud"], str) else set(claims["aud"])
    assert set(principal.audiences) == audiences
    assert principal.machine or audiences & policy.audiences
    named = {claims[name] for name in CLIENT_CLAIMS if name in claims}
    assert len(named) <= 1
    assert policy.allowed_clients is None or principal.client_id in policy.allowed_clients
    assert not {"cnf", "events"} & claims.keys()
    virtual = [group for group in principal.groups if is_reserved(group)]
    assert bool(virtual) is principal.machine


@pytest.mark.parametrize("alg", FAMILIES)
def test_a_token_with_any_one_bit_changed_is_refused(alg: str) -> None:
    issuer = FakeIssuer("https://issuer.test", alg=alg, clock=lambda: NOW, audience="api")
    keys, good = keys_of(issuer), issuer.mint({"jti": "1"})
    judge(good, keys=keys)
    accepted = []
    for at, char in enumerate(good):
        # Verifying on the larger curves takes long: there, one bit of each character.
        for bit in (at % 8,) if alg in SLOW_ALGORITHMS else range(8):
            token = good[:at] + chr(ord(char) ^ 1 << bit) + good[at + 1 :]
            try:
                judge(token, keys=keys)
            except InvalidToken:
                continue
            accepted.append((at, bit))
    assert accepted == []


_GOOD: Final = ISSUER.mint({"jti": "1"})


@examples(80)
@given(bent(_GOOD))
def test_a_token_with_any_one_character_changed_is_refused(token: str) -> None:
    with pytest.raises(InvalidToken):
        judge(token, POLICY, keys=KEYS)


@examples(100)
@given(st.binary(max_size=600))
def test_no_other_bytes_are_a_signature(signature: bytes) -> None:
    with pytest.raises(BadSignature):
        judge(ISSUER.mint_raw(signature=signature), keys=KEYS)


def test_the_good_ones_are_good() -> None:
    assert verdict(_GOOD, keys=KEYS) is None
    assert verdict(ISSUER.mint_raw(payload=good_claims()), keys=KEYS) is None
    assert parse_jwk_set(json.dumps(ISSUER.jwks()).encode()) == KEYS
