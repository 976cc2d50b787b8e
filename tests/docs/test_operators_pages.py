"""The pages for operators name what the code knows, and nothing else: audit members, remarks of lint, keys of Quay."""

from __future__ import annotations

import re
from typing import Any

from bearergate.config import from_quay
from bearergate.config.lint import RULES
from bearergate.config.lint_quay import QUAY_RULES
from bearergate.config.quay_schema import BLOCK_KEYS, OURS
from bearergate.core.events import (
    AccessGranted,
    Event,
    TokenAccepted,
    TokenRejected,
    UnverifiedBearerAdmitted,
    UnverifiedIdentity,
)
from bearergate.core.reasons import Reason
from bearergate.core.resources import Granted, Resource
from bearergate.observers import AuditLog
from bearergate.testing import FakeIssuer
from tests.config.configurations import refusal_of
from tests.docs.reference_pages import FOLDER

HOW_TO = FOLDER.parent / "how-to"
ISSUER = FakeIssuer("https://sso.test", alg="ES256", audience="api")


def first_column(page: str) -> list[str]:
    rows = re.findall(r"^\| (`[^|]*`) \|", page, re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


class Lines(AuditLog):
    """An audit log that keeps what it would write."""

    def __init__(self) -> None:
        super().__init__(own_clients=["web"])
        self.members: set[str] = set()

    def _write(self, fields: dict[str, Any]) -> None:
        self.members |= set(fields)


def test_every_member_of_an_audit_line_is_on_its_page_and_no_other() -> None:
    lines = Lines()
    principal = _principal()
    common: dict[str, Any] = {"time": 1.0, "adapter": "code", "policy_version": "v", "duration_us": 1.0}
    granted = Granted(resource=Resource("module", "vpc"), binding="dev")
    said = UnverifiedIdentity()
    accepted: dict[str, Any] = {
        "principal": principal,
        "token_issuer": "i",
        "kid": "k",
        "alg": "ES256",
        "granted": granted,
    }
    rejected: dict[str, Any] = {
        "reason": Reason.EXPIRED,
        "status": 401,
        "issuer": "i",
        "claim": "exp",
        "expected": "",
        "actual": "",
    }
    events: list[Event] = [
        TokenAccepted(**accepted, **common),
        TokenRejected(**rejected, principal=principal, unverified=said, **common),
        TokenRejected(**rejected, principal=None, unverified=said, **common),
        AccessGranted(principal=principal, granted=granted, **common),
        UnverifiedBearerAdmitted(issuer="i", unverified=said, **common),
    ]
    for event in events:
        lines(event)
    assert set(first_column((FOLDER / "audit-log.md").read_text("utf-8"))) == lines.members


def _principal() -> Any:
    config = {"SSO_LOGIN_CONFIG": {"OIDC_ISSUER": ISSUER.issuer, "CLIENT_ID": "api"}}
    return from_quay(config).validator(fetch=ISSUER.fetch).validate(ISSUER.mint())


def test_every_remark_of_lint_is_on_its_page_with_its_level() -> None:
    page = (FOLDER / "lint.md").read_text("utf-8")
    shown = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", page, re.MULTILINE))
    assert shown == {rule.code: rule.level.value for rule in (*RULES, *QUAY_RULES)}


def test_every_key_of_a_block_that_decides_is_on_the_page_about_quay() -> None:
    page = (HOW_TO / "replace-quays-validation.md").read_text("utf-8")
    shown = first_column(page)
    assert set(shown) <= set(BLOCK_KEYS)
    assert {*OURS, *(key for key in BLOCK_KEYS if key.startswith("OIDC_ISSUER")), "CLIENT_ID"} <= set(shown)
    quays, ours = page.split("Keys of ours")
    assert set(first_column(ours)) == set(OURS)
    assert not set(first_column(quays)) & set(OURS)


def test_the_problems_on_the_page_about_quay_are_those_of_the_code(tmp_path: Any) -> None:
    page = (HOW_TO / "replace-quays-validation.md").read_text("utf-8")
    shown = re.findall(r"```text\n(.*?)```", page, re.DOTALL)[0].rstrip()
    path = tmp_path / "config.yaml"
    path.write_text(
        "AZURE_LOGIN_CONFIG:\n  CLIENT_ID: quay\n  OIDC_ISSUERS: https://sso.example.com\n  OIDC_AUDIENCES: []\n"
    )
    assert str(refusal_of(from_quay, path)).replace(str(path), "config.yaml") == shown
