"""Prints the reference pages that are tables of the code: the checks and the reason codes.

`python -m tests.docs.reference_pages` writes them again: what is between two marks; around those people write.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bearergate.cli.advice import advice
from bearergate.core.check import Check
from bearergate.core.checks import TABLE
from bearergate.core.errors import (
    AccessDenied,
    AuthenticationRequired,
    InsufficientScope,
    InvalidRequest,
    Refusal,
    Unavailable,
    refusal,
)
from bearergate.core.policy import IssuerPolicy
from bearergate.core.reasons import Reason

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
BEGIN = "<!-- printed from the code: begin -->"
END = "<!-- printed from the code: end -->"

_BINDINGS = "a route that demands a binding, and `authorize`"
# What refuses a request beside the rows of the table.
ELSEWHERE = {
    Reason.MISSING_CREDENTIALS: (AuthenticationRequired, "the `Authorization` header"),
    Reason.MALFORMED_CREDENTIALS: (InvalidRequest, "the `Authorization` header"),
    Reason.SEVERAL_CREDENTIALS: (InvalidRequest, "the `Authorization` header"),
    Reason.KEYS_UNAVAILABLE: (Unavailable, "the look for keys"),
    Reason.KEYS_EXPIRED: (Unavailable, "the look for keys"),
    Reason.SCOPE_INSUFFICIENT: (InsufficientScope, "a route that demands scopes"),
    Reason.BINDING_NONE: (AccessDenied, _BINDINGS),
    Reason.BINDING_ERROR: (AccessDenied, _BINDINGS),
    Reason.RESOURCE_NOT_GRANTED: (AccessDenied, _BINDINGS),
    Reason.UPSTREAM_UNAVAILABLE: (Unavailable, "the review of a service account's token by its API server"),
}


def checks_page() -> str:
    """The table of checks."""
    lines = ["| | Check | Rule | Section | Reasons |", "|---|---|---|---|---|"]
    for number, check in enumerate(TABLE, start=1):
        name = check.name if _is_always_on(check) else f"{check.name} (when configured)"
        reasons = ", ".join(f"[`{reason}`](reason-codes.md#{reason})" for reason in check.reasons)
        lines.append(f"| {number} | {name} | {check.rule} | {check.section} | {reasons} |")
    return "\n".join(lines)


def reason_codes_page() -> str:
    """Every reason with its answer, its check and what to do."""
    return "\n\n".join(_reason(reason) for reason in Reason)


def _reason(reason: Reason) -> str:
    kind = error_of(reason)
    code = f" `{kind.error}`" if kind.error else ""
    sentences = [f"**{kind.status}**{code}. *{reason.meaning}*"]
    sentences.append(f"Found by {found_by(reason)}. {advice(reason)}")
    return f"### `{reason}` {{ #{reason} }}\n\n" + "\n".join(sentences)


def error_of(reason: Reason) -> type[Refusal]:
    """The class of the error that carries a reason."""
    return ELSEWHERE[reason][0] if reason in ELSEWHERE else type(refusal(reason))


def found_by(reason: Reason) -> str:
    """Who refuses with this reason."""
    if reason in ELSEWHERE:
        return ELSEWHERE[reason][1]
    names = [f'"{check.name}"' for check in TABLE if reason in check.reasons]
    text = f"the check{'s' if len(names) > 1 else ''} {_listed(names)}"
    return f"{text}, and a route that demands a group or a binding" if "group" in reason else text


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _is_always_on(check: Check) -> bool:
    return check.applies(IssuerPolicy(issuer="https://issuer.test", audiences=frozenset({"a"})))


PAGES = {"checks.md": checks_page, "reason-codes.md": reason_codes_page}


def with_print(page: str, printed: str) -> str:
    """The page with what is printed between its marks."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{printed}\n\n{END}{after}"


def main(names: Iterable[str] = PAGES) -> None:
    """Write the pages."""
    for name in names:
        path = FOLDER / name
        path.write_text(with_print(path.read_text(encoding="utf-8"), PAGES[name]()), encoding="utf-8")


if __name__ == "__main__":
    main()
