"""Mutants that change nothing anybody can see, each with the reason. Reviewed by people; the shorter the better.

An entry stands for one mutant. One that no longer names a survivor is a fault of this list, and fails the run.
"""

from __future__ import annotations

from typing import Final

_SHORTCUT: Final = "A shortcut: what follows comes to the same verdict, later."
_LIBRARY: Final = "OpenSSL refuses a half of 0 too; the check stands for a library that does not."
_PRESENT: Final = "Whether the field is there is asked, and never its value."
_PLACE: Final = "A dot that is found stands behind another one, so never at 0."
_ANY_TWO: Final = "Two of the clients differ exactly when one of them differs from whichever is taken."
_PROVEN: Final = "Rows before this one have refused every token for which it would matter; type checkers cannot know."

EQUIVALENT: Final[dict[tuple[str, str, str], str]] = {
    ("jwt.py", "split", "last < 0 -> last <= 0"): _PLACE,
    ("jwt.py", "split", "0 + 1 in last < 0"): _PLACE,
    ("jwt.py", "split", "token.find('.', last + 1) >= 0 -> token.find('.', last + 1) > 0"): _PLACE,
    ("jwt.py", "split", "0 + 1 in token.find('.', last + 1) >= 0"): _PLACE,
    ("jws.py", "Algorithm._ecdsa_verifier.verify", "0 < r < order -> 0 <= r < order"): _LIBRARY,
    ("jws.py", "Algorithm._ecdsa_verifier.verify", "0 - 1 in 0 < r < order"): _LIBRARY,
    ("jws.py", "Algorithm._ecdsa_verifier.verify", "0 < s < order -> 0 <= s < order"): _LIBRARY,
    ("jws.py", "Algorithm._ecdsa_verifier.verify", "0 - 1 in 0 < s < order"): _LIBRARY,
    ("jws.py", "Algorithm._ecdsa_verifier.verify", "0 + 1 in 0 < r < order"): (
        "Nobody knows a nonce for which r is 1; the test for s, where it can be had, shows that 1 is accepted."
    ),
    ("token_checks.py", "check_size", "True -> False"): _PRESENT,
    (
        "token_checks.py",
        "check_signature",
        "True -> False",
    ): _PRESENT,
    (
        "token_checks.py",
        "check_algorithm",
        (
            "x.header.alg not in x.policy.algorithms and (not is_allowed(x.header.a... -> "
            "not is_allowed(x.header.alg, x.policy.algorithms)"
        ),
    ): _SHORTCUT,
    ("validation.py", "Validation.begin", "if known is None -> if True"): _SHORTCUT,
    ("validation.py", "Validation.span", "0.0 - 1 in nbf or 0.0"): "No clock is below zero.",
    ("validation.py", "Validation.span", "0.0 - 1 in iat or 0.0"): "No clock is below zero.",
    (
        "claim_checks.py",
        "check_kind",
        "if x.policy.token_kind is _ACCESS_TOKEN and names.isdisjoint(_MARKS_OF_A_... -> if False",
    ): _SHORTCUT,
    (
        "claim_checks.py",
        "_machine_audience",
        "client is not None and audiences == (client.client_id,) -> audiences == (client.client_id,)",
    ): "A token that names no client is no machine's, so it never comes here.",
    (
        "claim_checks.py",
        "check_client",
        (
            "len(named) > 1 and any((other.client_id != named[0].client_id for othe... -> "
            "any((other.client_id != named[0].client_id for other in named))"
        ),
    ): _SHORTCUT,
    ("claim_checks.py", "check_client", "len(named) > 1 -> len(named) >= 1"): _SHORTCUT,
    ("claim_checks.py", "check_client", "1 - 1 in len(named) > 1"): _SHORTCUT,
    ("claim_checks.py", "check_client", "0 + 1 in named[0]"): _ANY_TWO,
    ("claim_checks.py", "check_client", "0 - 1 in named[0]"): _ANY_TWO,
    (
        "claim_checks.py",
        "check_groups",
        "not groups.names or groups.problem is Reason.GROUPS_OVERAGE -> not groups.names",
    ): "Where there is an overage there are no names either; this states the rule for itself.",
    ("claim_checks.py", "check_groups", "groups.problem or Reason.GROUPS_MISSING -> groups.problem"): _PROVEN,
}
"""(file, class and function, change): why it is no change."""
