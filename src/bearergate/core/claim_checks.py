"""The rows of the table that look at claims: times, subject, required claims, kind, audience, client, groups.

Each `check_...` raises a Refusal; each `..._facts` says (expected, actual). core/checks.py gives them their order.
"""

from __future__ import annotations

from typing import Final

from bearergate.core.claims import (
    ACT,
    AT_HASH,
    AUD,
    C_HASH,
    CLIENT_CLAIMS,
    CNF,
    EVENTS,
    EXP,
    IAT,
    IMPERSONATED,
    JTI,
    NBF,
    NONCE,
    S_HASH,
    SCOPE,
    SCP,
    SUB,
    TOKEN_USE,
    TYP,
)
from bearergate.core.errors import Refusal, refusal
from bearergate.core.examination import Examination, show, show_claim
from bearergate.core.identity import ActingClient, acting_party, granted_scopes, named_clients
from bearergate.core.policy import AudienceMatch, MachineClients, MachineMode, TokenKind
from bearergate.core.reasons import Reason

_UNITS: Final = (("days", 86400), ("hours", 3600), ("minutes", 60))
_LOOKS_LIKE_ID_TOKEN: Final = (NONCE, AT_HASH, C_HASH, S_HASH)
_MARKS_OF_A_KIND: Final = (EVENTS, *_LOOKS_LIKE_ID_TOKEN, TOKEN_USE, TYP)
"""Without any of these claims a token may be an access token; most have none."""
# To read a member of an enumeration takes longer than what is done with it.
_ACCESS_TOKEN: Final = TokenKind.ACCESS_TOKEN
_ANY: Final = AudienceMatch.ANY
_OFF: Final = MachineMode.OFF


def _moment_of(x: Examination, name: str) -> str:
    """A time claim for people: its number, and how far it is from now."""
    try:
        seconds = x.claims.seconds(name)
    except Refusal:
        return show_claim(x.claims, name)
    if seconds is None:
        return "absent"
    away = seconds - x.now
    return f"{name}={seconds:.0f} ({_span(away)} from now)" if away > 0 else f"{name}={seconds:.0f} ({_span(away)} ago)"


def _span(seconds: float) -> str:
    whole = abs(round(seconds))
    for unit, size in _UNITS:
        if whole >= 2 * size:
            return f"{whole // size} {unit}"
    return f"{whole} s"


def check_exp(x: Examination) -> None:
    exp = x.claims.seconds(EXP)
    if exp is None:
        raise refusal(Reason.EXP_MISSING, EXP)
    if x.now >= exp + x.policy.leeway:
        raise refusal(Reason.EXPIRED, EXP)
    x.exp = exp


def exp_facts(x: Examination) -> tuple[str, str]:
    return f"later than {x.now - x.policy.leeway:.0f} (now - leeway)", _moment_of(x, EXP)


def check_nbf(x: Examination) -> None:
    nbf = x.claims.seconds(NBF)
    if nbf is not None and x.now < nbf - x.policy.leeway:
        raise refusal(Reason.NOT_YET_VALID, NBF)


def nbf_facts(x: Examination) -> tuple[str, str]:
    return f"absent, or at most {x.now + x.policy.leeway:.0f} (now + leeway)", _moment_of(x, NBF)


def check_iat(x: Examination) -> None:
    iat = x.claims.seconds(IAT)
    if iat is not None and x.now < iat - x.policy.leeway:
        raise refusal(Reason.ISSUED_IN_FUTURE, IAT)
    x.iat = iat


def iat_facts(x: Examination) -> tuple[str, str]:
    return f"absent, or at most {x.now + x.policy.leeway:.0f} (now + leeway)", _moment_of(x, IAT)


def check_age(x: Examination) -> None:
    iat = x.claims.seconds(IAT)
    if iat is None:
        raise refusal(Reason.CLAIM_MISSING, IAT)
    if x.policy.max_token_age is not None and x.now >= iat + x.policy.max_token_age:
        raise refusal(Reason.TOO_OLD, IAT)


def age_facts(x: Examination) -> tuple[str, str]:
    return f"later than {x.now - (x.policy.max_token_age or 0):.0f} (now - max_token_age)", _moment_of(x, IAT)


def check_lifetime(x: Examination) -> None:
    iat, exp = x.claims.seconds(IAT), x.claims.seconds(EXP)
    if iat is None or exp is None:
        raise refusal(Reason.CLAIM_MISSING, IAT)
    if x.policy.max_lifetime is not None and exp - iat > x.policy.max_lifetime:
        raise refusal(Reason.LIFETIME_TOO_LONG, EXP)


def lifetime_facts(x: Examination) -> tuple[str, str]:
    return f"at most {x.policy.max_lifetime} s", f"{_moment_of(x, IAT)}, {_moment_of(x, EXP)}"


def check_subject(x: Examination) -> None:
    subject = x.claims.string(SUB)
    if subject is None:
        raise refusal(Reason.CLAIM_MISSING, SUB)
    if not subject or subject.isspace():
        raise refusal(Reason.CLAIM_MALFORMED, SUB)
    x.subject = subject


def subject_facts(x: Examination) -> tuple[str, str]:
    return "a non-empty string", show_claim(x.claims, SUB)


def check_types(x: Examination) -> None:
    claims = x.claims
    x.token_id = claims.string(JTI)
    # Kept for the rows and the principal that need them.
    x.named = named = named_clients(claims)
    if named:
        x.client = named[0]
    if x.policy.machines.mode is _OFF:
        x.machine = False
    x.scopes = granted_scopes(claims)
    x.actor = acting_party(claims)


def types_facts(x: Examination) -> tuple[str, str]:
    return "well-formed where present", show_claim(x.claims, JTI, *CLIENT_CLAIMS, SCOPE, SCP, ACT)


def check_required(x: Examination) -> None:
    for name, values in x.policy.require.items():
        value = x.claims.get(name)
        if value is None:
            raise refusal(Reason.CLAIM_MISSING, name)
        # JSON's true and 1 are different values; Python's are equal.
        if values and not any(value == wanted and type(value) is type(wanted) for wanted in values):
            raise refusal(Reason.RULE_FAILED, name)


def required_facts(x: Examination) -> tuple[str, str]:
    wanted = [f"{name} in {show(list(values))}" if values else name for name, values in x.policy.require.items()]
    return ", ".join(wanted), show_claim(x.claims, *x.policy.require)


def check_impersonated(x: Examination) -> None:
    if x.claims.boolean(IMPERSONATED):
        raise refusal(Reason.IMPERSONATED, IMPERSONATED)


def impersonated_facts(x: Examination) -> tuple[str, str]:
    return "not true", show_claim(x.claims, IMPERSONATED)


def check_kind(x: Examination) -> None:
    names = x.claims.members.keys()
    if x.policy.token_kind is _ACCESS_TOKEN and names.isdisjoint(_MARKS_OF_A_KIND):
        return
    if EVENTS in names:
        raise refusal(Reason.TYP_NOT_ACCEPTED, EVENTS)
    if x.policy.token_kind in (TokenKind.ANY, TokenKind.RFC9068):
        return
    marked = _has_access_mark(x)
    if x.policy.token_kind is TokenKind.ID_TOKEN:
        if marked:
            raise refusal(Reason.TYP_NOT_ACCEPTED, TYP)
    elif not marked:
        _refuse_id_token(x)


def _has_access_mark(x: Examination) -> bool:
    """A positive mark of an access token wins over claims that ID tokens have too."""
    return x.header.is_at_jwt or x.claims.get(TYP) == "Bearer" or x.claims.get(TOKEN_USE) == "access"


def _refuse_id_token(x: Examination) -> None:
    for name in _LOOKS_LIKE_ID_TOKEN:
        if name in x.claims:
            raise refusal(Reason.ID_TOKEN_NOT_ACCEPTED, name)
    if x.claims.get(TOKEN_USE) == "id":
        raise refusal(Reason.ID_TOKEN_NOT_ACCEPTED, TOKEN_USE)
    if TYP in x.claims:
        kind = Reason.ID_TOKEN_NOT_ACCEPTED if x.claims[TYP] == "ID" else Reason.TYP_NOT_ACCEPTED
        raise refusal(kind, TYP)


def kind_facts(x: Examination) -> tuple[str, str]:
    found = show_claim(x.claims, EVENTS, *_LOOKS_LIKE_ID_TOKEN, TYP, TOKEN_USE)
    return x.policy.token_kind.value, "no mark of a kind" if found == "absent" else found


def check_cnf(x: Examination) -> None:
    if CNF in x.claims.members:
        raise refusal(Reason.CNF_UNPROVEN, CNF)


def cnf_facts(x: Examination) -> tuple[str, str]:
    return "absent", "present" if CNF in x.claims else "absent"


def check_audience(x: Examination) -> None:
    audiences = x.claims.strings(AUD)
    if audiences is None:
        raise refusal(Reason.AUDIENCE_MISSING, AUD)
    accepted = _machine_audience(x, audiences) if x.machine else _audience_matches(x, audiences)
    if not accepted:
        raise refusal(Reason.AUDIENCE_MISMATCH, AUD)
    x.audiences = audiences


def _audience_matches(x: Examination, audiences: tuple[str, ...]) -> bool:
    match = x.policy.audience_match
    if match is _ANY:
        return not x.policy.audiences.isdisjoint(audiences)
    if match is AudienceMatch.ALL:
        return x.policy.audiences.issubset(audiences)
    return x.policy.audiences == frozenset(audiences)


def _machine_audience(x: Examination, audiences: tuple[str, ...]) -> bool:
    if x.policy.machines.mode is MachineMode.COMPAT:
        return True
    client = x.client
    own = client is not None and audiences == (client.client_id,)
    extra = not x.policy.machines.audiences.isdisjoint(audiences)
    return own or extra or _audience_matches(x, audiences)


def audience_facts(x: Examination) -> tuple[str, str]:
    return f"{x.policy.audience_match} of {', '.join(sorted(x.policy.audiences))}", show_claim(x.claims, AUD)


def check_client(x: Examination) -> None:
    named, client, allowed = x.named, x.client, x.policy.allowed_clients
    if len(named) > 1 and any(other.client_id != named[0].client_id for other in named):
        raise refusal(Reason.CLIENT_CONFLICT, named[0].claim)
    if client is None:
        if allowed is not None:
            raise refusal(Reason.CLIENT_MISSING)
        return
    if allowed is not None and client.client_id not in allowed:
        raise refusal(Reason.CLIENT_NOT_ALLOWED, client.claim)
    if x.machine and not _is_listed(client, x.policy.machines):
        raise refusal(Reason.MACHINE_CLIENT_NOT_ALLOWED, client.claim)


def _is_listed(client: ActingClient, machines: MachineClients) -> bool:
    return client.client_id in machines.allow or (machines.mode is MachineMode.COMPAT and not machines.allow)


def client_facts(x: Examination) -> tuple[str, str]:
    allowed = x.policy.allowed_clients
    expected = "any client" if allowed is None else f"one of {', '.join(sorted(allowed))}"
    names = (*CLIENT_CLAIMS, AUD) if x.policy.client_from_audience else CLIENT_CLAIMS
    return expected, show_claim(x.claims, *names)


def check_groups(x: Examination) -> None:
    groups = x.groups
    if not groups.names or groups.problem is Reason.GROUPS_OVERAGE:
        raise refusal(groups.problem or Reason.GROUPS_MISSING, x.policy.groups.claim)


def groups_facts(x: Examination) -> tuple[str, str]:
    return "at least one group", show_claim(x.claims, x.policy.groups.claim)
