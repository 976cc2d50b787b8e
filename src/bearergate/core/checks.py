"""THE TABLE: what is checked, in which order, by which rule, and which stable reason code a failure carries.

Three readers walk it: validation stops at the first failure, explain reports every row, the reference page of the
docs is printed from it. Rows look at an Examination and raise; they fetch nothing and know no clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from bearergate.core import claim_checks as claim
from bearergate.core import token_checks as token
from bearergate.core.examination import Examination
from bearergate.core.policy import IssuerPolicy
from bearergate.core.reasons import Reason as R

Facts: TypeAlias = tuple[str, str]
"""(expected, actual) of one row for one token, as text for operators."""


def _always(_: IssuerPolicy) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Check:
    """One row: `run` raises a Refusal with one of `reasons`; `facts` says what was expected and what was there."""

    name: str
    rule: str
    section: str
    reasons: tuple[R, ...]
    run: Callable[[Examination], None]
    facts: Callable[[Examination], Facts]
    needs: tuple[str, ...] = ("token",)
    """The fields of the examination without which this row cannot be looked at."""
    applies: Callable[[IssuerPolicy], bool] = _always
    """Whether the row can refuse anything under a policy."""


OPENING: Final[tuple[Check, ...]] = (
    Check(
        "size",
        "The token is at most as long as configured.",
        "RFC 8725 section 3.11",
        (R.TOKEN_TOO_LONG,),
        token.check_size,
        token.size_facts,
    ),
    Check(
        "form",
        "Three base64url segments: a signed, compact JWT.",
        "RFC 7515 section 3.1",
        (R.MALFORMED_TOKEN,),
        token.check_form,
        token.form_facts,
        ("is_sized",),
    ),
    Check(
        "header JSON",
        "The header is one strict JSON object.",
        "RFC 7515 section 4",
        (R.MALFORMED_TOKEN, R.DUPLICATE_MEMBER),
        token.check_header_json,
        token.header_json_facts,
        ("segments",),
    ),
    Check(
        "payload JSON",
        "The payload is one strict JSON object.",
        "RFC 7519 section 7.2",
        (R.MALFORMED_TOKEN, R.DUPLICATE_MEMBER),
        token.check_payload_json,
        token.payload_json_facts,
        ("segments",),
    ),
    Check(
        "header processing",
        "The header demands no crit, b64, zip or cty.",
        "RFC 7515 section 4.1.11",
        (R.CRIT_NOT_SUPPORTED,),
        token.check_processing,
        token.processing_facts,
        ("header_members",),
    ),
    Check(
        "header types",
        "alg, kid and typ are strings.",
        "RFC 7515 section 4.1",
        (R.MALFORMED_TOKEN,),
        token.check_header_types,
        token.header_types_facts,
        ("header_members",),
    ),
    Check(
        "signed",
        "The algorithm is a signature with a public key.",
        "RFC 8725 section 3.1",
        (R.ALG_NOT_ALLOWED,),
        token.check_signed,
        token.signed_facts,
        ("header",),
    ),
    Check(
        "issuer",
        "iss is exactly a trusted issuer.",
        "RFC 7519 section 4.1.1",
        (R.ISSUER_MISSING, R.ISSUER_UNKNOWN, R.CLAIM_MALFORMED),
        token.check_issuer,
        token.issuer_facts,
        ("payload",),
    ),
    Check(
        "algorithm",
        "alg is on the issuer's allow-list.",
        "RFC 8725 section 3.1",
        (R.ALG_NOT_ALLOWED,),
        token.check_algorithm,
        token.algorithm_facts,
        ("header", "policy"),
    ),
    Check(
        "header type",
        "typ is of the accepted token kind.",
        "RFC 8725 section 3.11",
        (R.TYP_NOT_ACCEPTED,),
        token.check_typ,
        token.typ_facts,
        ("header", "policy"),
    ),
)
"""Rows that need neither key nor clock; after the last one the issuer is known and trusted."""

CLOSING: Final[tuple[Check, ...]] = (
    Check(
        "key",
        "The issuer publishes a key that fits.",
        "RFC 7515 section 6",
        (R.KEY_UNKNOWN, R.KEY_UNUSABLE, R.KEY_AMBIGUOUS),
        token.check_key,
        token.key_facts,
        ("claims", "keys"),
    ),
    Check(
        "signature",
        "The signature verifies with that key.",
        "RFC 7515 section 5.2",
        (R.SIGNATURE_INVALID,),
        token.check_signature,
        token.signature_facts,
        ("claims", "candidates"),
    ),
    Check(
        "expiration",
        "now < exp + leeway.",
        "RFC 7519 section 4.1.4",
        (R.EXP_MISSING, R.EXPIRED, R.CLAIM_MALFORMED),
        claim.check_exp,
        claim.exp_facts,
        ("claims",),
    ),
    Check(
        "not before",
        "now >= nbf - leeway.",
        "RFC 7519 section 4.1.5",
        (R.NOT_YET_VALID, R.CLAIM_MALFORMED),
        claim.check_nbf,
        claim.nbf_facts,
        ("claims",),
        lambda policy: not policy.skip_nbf,
    ),
    Check(
        "issued at",
        "now >= iat - leeway.",
        "RFC 7519 section 4.1.6",
        (R.ISSUED_IN_FUTURE, R.CLAIM_MALFORMED),
        claim.check_iat,
        claim.iat_facts,
        ("claims",),
    ),
    Check(
        "age",
        "now < iat + max_token_age.",
        "RFC 7519 section 4.1.6",
        (R.TOO_OLD, R.CLAIM_MISSING),
        claim.check_age,
        claim.age_facts,
        ("claims",),
        lambda policy: policy.max_token_age is not None,
    ),
    Check(
        "lifetime",
        "exp - iat is at most max_lifetime.",
        "RFC 8725 section 3.10",
        (R.LIFETIME_TOO_LONG, R.CLAIM_MISSING),
        claim.check_lifetime,
        claim.lifetime_facts,
        ("claims",),
        lambda policy: policy.max_lifetime is not None,
    ),
    Check(
        "subject",
        "sub is a non-empty string.",
        "RFC 7519 section 4.1.2",
        (R.CLAIM_MISSING, R.CLAIM_MALFORMED),
        claim.check_subject,
        claim.subject_facts,
        ("claims",),
    ),
    Check(
        "claim types",
        "jti, the client claims, scope, scp and act are well-formed.",
        "RFC 7519 section 4.1",
        (R.CLAIM_MALFORMED,),
        claim.check_types,
        claim.types_facts,
        ("claims",),
    ),
    Check(
        "required claims",
        "Every required claim is present with a required value.",
        "RFC 7519 section 4",
        (R.CLAIM_MISSING, R.RULE_FAILED),
        claim.check_required,
        claim.required_facts,
        ("claims",),
        lambda policy: bool(policy.require),
    ),
    Check(
        "impersonation",
        "The token does not say impersonated: true.",
        "operator policy",
        (R.IMPERSONATED, R.CLAIM_MALFORMED),
        claim.check_impersonated,
        claim.impersonated_facts,
        ("claims",),
        lambda policy: policy.refuse_impersonated,
    ),
    Check(
        "token kind",
        "The claims are those of the accepted token kind.",
        "RFC 8725 section 3.12",
        (R.ID_TOKEN_NOT_ACCEPTED, R.TYP_NOT_ACCEPTED),
        claim.check_kind,
        claim.kind_facts,
        ("claims",),
    ),
    Check(
        "confirmation",
        "The token is not bound to a key (cnf).",
        "RFC 7800 section 3.1",
        (R.CNF_UNPROVEN,),
        claim.check_cnf,
        claim.cnf_facts,
        ("claims",),
    ),
    Check(
        "audience",
        "aud names this resource.",
        "RFC 7519 section 4.1.3",
        (R.AUDIENCE_MISSING, R.AUDIENCE_MISMATCH, R.CLAIM_MALFORMED),
        claim.check_audience,
        claim.audience_facts,
        ("claims",),
    ),
    Check(
        "client",
        "The acting client is named once and is allowed.",
        "RFC 9068 section 4, OIDC Core section 2 (azp)",
        (
            R.CLIENT_MISSING,
            R.CLIENT_NOT_ALLOWED,
            R.CLIENT_CONFLICT,
            R.MACHINE_CLIENT_NOT_ALLOWED,
        ),
        claim.check_client,
        claim.client_facts,
        ("claims",),
    ),
    Check(
        "groups",
        "A person's token carries groups, where they are required.",
        "operator policy",
        (R.GROUPS_MISSING, R.GROUPS_MALFORMED, R.GROUPS_OVERAGE, R.RESERVED_GROUP),
        claim.check_groups,
        claim.groups_facts,
        ("claims",),
        lambda policy: policy.groups.required,
    ),
)
"""Rows that are looked at once the keys and the time are known."""

TABLE: Final = OPENING + CLOSING
