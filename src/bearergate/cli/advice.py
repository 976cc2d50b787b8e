"""What to do about each reason for which a token is refused: a sentence for whoever holds token or configuration.

Words only. The sentence that a client may read is `Reason.meaning`; this one is for the operator.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bearergate.core.reasons import Reason as R

_COPY: Final = "Copy the access token again, whole and unchanged."
_HEADER: Final = "Send exactly one header with the scheme and one token after it."
_GROUPS: Final = "Have the issuer put the caller's groups into the token, in the claim that groups.claim names."
_BINDING: Final = "Compare the access bindings with the groups and claims shown here."

_ADVICE: Final[Mapping[R, str]] = {
    R.MISSING_CREDENTIALS: _HEADER,
    R.MALFORMED_CREDENTIALS: _HEADER,
    R.SEVERAL_CREDENTIALS: _HEADER,
    R.TOKEN_TOO_LONG: "Ask the issuer for fewer claims (groups, most often), or raise max_token_bytes.",
    R.MALFORMED_TOKEN: f"{_COPY} An opaque or encrypted token cannot be checked here: ask the issuer for a signed JWT.",
    R.DUPLICATE_MEMBER: "The issuer must name each member once; report it there.",
    R.ALG_NOT_ALLOWED: "Have the issuer sign with one of the expected algorithms, or add its algorithm to algorithms.",
    R.CRIT_NOT_SUPPORTED: "Have the issuer leave out the header members shown here.",
    R.TYP_NOT_ACCEPTED: "Request an access token for this resource; to accept another kind, set token_kind.",
    R.ID_TOKEN_NOT_ACCEPTED: "Send the access token, not the ID token; where there are only ID tokens, set token_kind.",
    R.ISSUER_UNKNOWN: (
        "If this issuer is to be trusted, add it exactly as shown, trailing slash included, to OIDC_ISSUERS; "
        "otherwise get a token from one that is."
    ),
    R.ISSUER_MISSING: "Get a token from one of the expected issuers.",
    R.KEY_UNKNOWN: "Get a new token: the key was withdrawn, or another installation of the issuer made the token.",
    R.KEY_UNUSABLE: "Have the issuer publish a key that fits the token's algorithm.",
    R.KEY_AMBIGUOUS: "Have the issuer name the key (kid) in its tokens.",
    R.KEYS_UNAVAILABLE: 'See that the issuer answers from this machine; the check "key" says what failed.',
    R.KEYS_EXPIRED: "See that the issuer answers from this machine again; its last keys are too old to be used.",
    R.SIGNATURE_INVALID: f"{_COPY} If that does not help, it was changed or forged.",
    R.EXP_MISSING: "Have the issuer limit the life of its tokens (exp).",
    R.EXPIRED: "Get a new token; if this one is new, compare the clocks of this machine and of the issuer.",
    R.NOT_YET_VALID: "Compare the clocks of this machine and of the issuer, or wait.",
    R.ISSUED_IN_FUTURE: "Compare the clocks of this machine and of the issuer.",
    R.TOO_OLD: "Get a new token, or raise max_token_age.",
    R.LIFETIME_TOO_LONG: "Have the issuer make tokens that live shorter, or raise max_lifetime.",
    R.CLAIM_MISSING: "Have the issuer add the claim that this check names, or remove it from require.",
    R.CLAIM_MALFORMED: "The issuer must write the claim in the expected form; report it there.",
    R.RULE_FAILED: (
        "Compare the settings require and rules with what the token says. Of a service account, the log "
        "bearergate.kubernetes says at level DEBUG why its API server refuses it."
    ),
    R.AUDIENCE_MISSING: "Request a token for this resource, so that it names an audience.",
    R.AUDIENCE_MISMATCH: (
        "Request a token for an expected audience; "
        "add the token's audience to OIDC_AUDIENCES only if it names this API too."
    ),
    R.CLIENT_MISSING: "Have the issuer name the client in its tokens, or remove OIDC_ALLOWED_CLIENTS.",
    R.CLIENT_NOT_ALLOWED: "If this client may act here, add it to OIDC_ALLOWED_CLIENTS.",
    R.CLIENT_CONFLICT: "The issuer must name one client; report it there.",
    R.MACHINE_CLIENT_NOT_ALLOWED: "If this machine client may act here, add it to OIDC_MACHINE_CLIENTS.",
    R.CNF_UNPROVEN: "Request a token that is not bound to a key (neither DPoP nor mutual TLS).",
    R.IMPERSONATED: "Get a token as yourself.",
    R.GROUPS_MISSING: _GROUPS,
    R.GROUPS_MALFORMED: _GROUPS,
    R.GROUPS_OVERAGE: "Have the issuer put only the groups of this application into the token.",
    R.RESERVED_GROUP: "Rename the group at the issuer: names that begin with client: or system: are reserved.",
    R.SCOPE_INSUFFICIENT: "Request a token with the needed scope.",
    R.BINDING_NONE: _BINDING,
    R.BINDING_ERROR: _BINDING,
    R.RESOURCE_NOT_GRANTED: _BINDING,
    R.UPSTREAM_UNAVAILABLE: "See that the API server answers from this machine, and that it lets us review tokens.",
}


def advice(reason: R) -> str:
    """What to do about a token that was refused for this reason."""
    return _ADVICE[reason]
