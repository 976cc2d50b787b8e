"""The stable reason codes, each with the one sentence a client may read.

Knows nothing of errors, HTTP or claims. A code is a promise to operators: it is never renamed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Reason(StrEnum):
    """Why a request was refused. The value is stable; `meaning` is one generic ASCII sentence."""

    MISSING_CREDENTIALS = "missing_credentials"
    MALFORMED_CREDENTIALS = "malformed_credentials"
    SEVERAL_CREDENTIALS = "several_credentials"
    TOKEN_TOO_LONG = "token_too_long"
    MALFORMED_TOKEN = "malformed_token"
    DUPLICATE_MEMBER = "duplicate_member"
    ALG_NOT_ALLOWED = "alg_not_allowed"
    CRIT_NOT_SUPPORTED = "crit_not_supported"
    TYP_NOT_ACCEPTED = "typ_not_accepted"
    ID_TOKEN_NOT_ACCEPTED = "id_token_not_accepted"
    ISSUER_UNKNOWN = "issuer_unknown"
    ISSUER_MISSING = "issuer_missing"
    KEY_UNKNOWN = "key_unknown"
    KEY_UNUSABLE = "key_unusable"
    KEY_AMBIGUOUS = "key_ambiguous"
    KEYS_UNAVAILABLE = "keys_unavailable"
    KEYS_EXPIRED = "keys_expired"
    SIGNATURE_INVALID = "signature_invalid"
    EXP_MISSING = "exp_missing"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    ISSUED_IN_FUTURE = "issued_in_future"
    TOO_OLD = "too_old"
    LIFETIME_TOO_LONG = "lifetime_too_long"
    CLAIM_MISSING = "claim_missing"
    CLAIM_MALFORMED = "claim_malformed"
    RULE_FAILED = "rule_failed"
    AUDIENCE_MISSING = "audience_missing"
    AUDIENCE_MISMATCH = "audience_mismatch"
    CLIENT_MISSING = "client_missing"
    CLIENT_NOT_ALLOWED = "client_not_allowed"
    CLIENT_CONFLICT = "client_conflict"
    MACHINE_CLIENT_NOT_ALLOWED = "machine_client_not_allowed"
    CNF_UNPROVEN = "cnf_unproven"
    IMPERSONATED = "impersonated"
    GROUPS_MISSING = "groups_missing"
    GROUPS_MALFORMED = "groups_malformed"
    GROUPS_OVERAGE = "groups_overage"
    RESERVED_GROUP = "reserved_group"
    SCOPE_INSUFFICIENT = "scope_insufficient"
    BINDING_NONE = "binding_none"
    BINDING_ERROR = "binding_error"
    RESOURCE_NOT_GRANTED = "resource_not_granted"
    UPSTREAM_UNAVAILABLE = "upstream_unavailable"

    @property
    def meaning(self) -> str:
        """One generic sentence: printable ASCII without quotes or backslashes, so it fits a challenge."""
        return _MEANINGS[self]


_MEANINGS: Final[dict[Reason, str]] = {
    Reason.MISSING_CREDENTIALS: "The request carries no bearer token.",
    Reason.MALFORMED_CREDENTIALS: "The Authorization header is not a well-formed bearer credential.",
    Reason.SEVERAL_CREDENTIALS: "The request carries more than one credential.",
    Reason.TOKEN_TOO_LONG: "The token is longer than this resource accepts.",
    Reason.MALFORMED_TOKEN: "The token is not a well-formed signed JWT.",
    Reason.DUPLICATE_MEMBER: "The token names a JSON member twice.",
    Reason.ALG_NOT_ALLOWED: "The token is signed with an algorithm that is not accepted.",
    Reason.CRIT_NOT_SUPPORTED: "The token header demands processing that is not supported.",
    Reason.TYP_NOT_ACCEPTED: "This kind of token is not accepted.",
    Reason.ID_TOKEN_NOT_ACCEPTED: "This is an ID token and an access token is expected.",
    Reason.ISSUER_UNKNOWN: "The issuer of the token is not trusted here.",
    Reason.ISSUER_MISSING: "The token names no issuer.",
    Reason.KEY_UNKNOWN: "The key that the token names is not published by its issuer.",
    Reason.KEY_UNUSABLE: "The key that the token names cannot be used to verify it.",
    Reason.KEY_AMBIGUOUS: "The token names no key and its issuer publishes several.",
    Reason.KEYS_UNAVAILABLE: "The keys of the issuer cannot be obtained at the moment.",
    Reason.KEYS_EXPIRED: "The keys of the issuer are too old and cannot be renewed at the moment.",
    Reason.SIGNATURE_INVALID: "The signature of the token is not valid.",
    Reason.EXP_MISSING: "The token has no expiration time.",
    Reason.EXPIRED: "The token has expired.",
    Reason.NOT_YET_VALID: "The token is not valid yet.",
    Reason.ISSUED_IN_FUTURE: "The token was issued in the future.",
    Reason.TOO_OLD: "The token was issued too long ago.",
    Reason.LIFETIME_TOO_LONG: "The token lives longer than this resource accepts.",
    Reason.CLAIM_MISSING: "The token lacks a required claim.",
    Reason.CLAIM_MALFORMED: "A claim of the token is malformed.",
    Reason.RULE_FAILED: "The token does not meet a rule of this resource.",
    Reason.AUDIENCE_MISSING: "The token names no audience.",
    Reason.AUDIENCE_MISMATCH: "The token was issued for another audience.",
    Reason.CLIENT_MISSING: "The token names no client and this resource accepts only listed clients.",
    Reason.CLIENT_NOT_ALLOWED: "The client that acts with this token is not accepted here.",
    Reason.CLIENT_CONFLICT: "The token names two different clients.",
    Reason.MACHINE_CLIENT_NOT_ALLOWED: "This machine client is not accepted here.",
    Reason.CNF_UNPROVEN: "The token is bound to a key whose possession was not proven.",
    Reason.IMPERSONATED: "Tokens of impersonated users are not accepted.",
    Reason.GROUPS_MISSING: "The token carries no group that grants access.",
    Reason.GROUPS_MALFORMED: "The groups of the token are malformed.",
    Reason.GROUPS_OVERAGE: "The token has too many groups to list them.",
    Reason.RESERVED_GROUP: "The token carries a group with a reserved name.",
    Reason.SCOPE_INSUFFICIENT: "The token lacks a scope that this request needs.",
    Reason.BINDING_NONE: "No access binding matches this token.",
    Reason.BINDING_ERROR: "An access binding could not be evaluated.",
    Reason.RESOURCE_NOT_GRANTED: "This resource is not granted.",
    Reason.UPSTREAM_UNAVAILABLE: "A service that decides about this token did not answer.",
}
