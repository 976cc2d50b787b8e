"""The issuers of the demo, all on loopback: two that are trusted, one that is trusted but down, one that is foreign.

Shaped like one Entra tenant in the middle of a migration. Knows nothing of tokens' verdicts.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from bearergate.testing import FakeIssuer

API: Final = "api://orders"
"""The audience of everything that the demo protects."""

WEB: Final = "orders-web"
HUB: Final = "developer-hub"
JOB: Final = "nightly-report"

_GATE_FILE: Final = """\
# What the demo trusts. `bearergate serve` and `bearergate explain` read the same file with --config.
issuers:
  - issuer: {v1}
    preset: entra-v1
    audiences: [{api}]
    allowed_clients: [{web}, {hub}, {job}]
    machine_clients: {{mode: strict, allow: [{job}]}}

  - issuer: {v2}
    preset: entra-v2
    audiences: [{api}]
    allowed_clients: [{web}, {hub}, {job}]
    machine_clients: {{mode: strict, allow: [{job}]}}

  # Trusted, but it does not answer.
  - issuer: {partner}
    audiences: [{api}]
"""


@dataclass(frozen=True, slots=True)
class Issuers:
    """Everybody who signs tokens in the demo."""

    v1: FakeIssuer
    v2: FakeIssuer
    partner: FakeIssuer
    """Trusted, and down."""
    foreign: FakeIssuer
    """Up, and not trusted."""

    def gate_file(self) -> str:
        """The configuration that trusts them, as an operator would write it."""
        return _GATE_FILE.format(
            v1=self.v1.issuer, v2=self.v2.issuer, partner=self.partner.issuer, api=API, web=WEB, hub=HUB, job=JOB
        )


@contextmanager
def running_issuers() -> Generator[Issuers, None, None]:
    """Each on a free loopback port of its own."""
    issuers = Issuers(
        v1=_issuer("https://v1.test/tenant/"),
        v2=_issuer("https://v2.test/tenant/v2.0"),
        # A short key is quickly made, and nobody ever sees a signature of these two verified.
        partner=_issuer("https://partner.test", alg="ES256"),
        foreign=_issuer("https://foreign.test", alg="ES256"),
    )
    with ExitStack() as stack:
        for issuer in (issuers.v1, issuers.v2, issuers.partner, issuers.foreign):
            stack.enter_context(issuer.serve())
        issuers.partner.down = True
        yield issuers


def _issuer(name: str, alg: str = "RS256") -> FakeIssuer:
    return FakeIssuer(name, alg=alg, audience=API, client_id=WEB)
