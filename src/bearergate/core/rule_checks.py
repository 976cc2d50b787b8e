"""The row of the table that looks at rules: an operator's own expressions, every one of which must be true.

Only the value True lets a token pass; false, and whatever cannot be evaluated, refuses it. Knows no engine.
"""

from __future__ import annotations

from bearergate.core.errors import Refusal, refusal
from bearergate.core.examination import Examination, show, show_claim
from bearergate.core.expression import Expression, ExpressionError
from bearergate.core.facts import Facts, without_claim
from bearergate.core.reasons import Reason


def check_rules(x: Examination) -> None:
    facts = _facts(x)
    if not all(_verdict(rule, facts) is True for rule in x.policy.rules):
        raise refusal(Reason.RULE_FAILED)


def rules_facts(x: Examination) -> tuple[str, str]:
    try:
        facts = _facts(x)
    except Refusal as error:
        return "claims that say who is calling", show_claim(x.claims, error.claim or "")
    for rule in x.policy.rules:
        verdict = _verdict(rule, facts)
        if verdict is not True:
            return show(rule.text), "false" if verdict is False else show(verdict)
    return "; ".join(show(rule.text) for rule in x.policy.rules), "true"


def _verdict(rule: Expression, facts: Facts) -> bool | str:
    """The verdict, or why there is none."""
    try:
        return rule.evaluate(facts)
    except ExpressionError as error:
        return f"no verdict: {error.detail}"


def _facts(x: Examination) -> Facts:
    """The same facts that a principal of this token would have; raises ClaimRejected."""
    client = x.client
    return Facts(
        groups=x.groups.names,
        groups_problem=x.groups.problem,
        subject=x.subject,
        issuer=x.policy.issuer,
        client_id=client.client_id if client else "",
        scopes=x.scopes,
        machine=x.machine,
        claims=without_claim(x.claims.frozen(), x.policy.groups.claim),
    )
