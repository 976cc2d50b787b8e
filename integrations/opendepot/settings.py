"""OpenDepot's flags -> what the registry runs with. Every problem is told at once, at the start.

The flags have OpenDepot's names, and its words for what is wrong with them. What they cannot say, such as the preset of
the issuer and which machine clients are let in, is said by the variables of bearergate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bearergate import ConfigError, Problem, Settings
from bearergate.config import from_mapping
from integrations.opendepot.login import is_web_url


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """`--oidc-issuer-url` is `issuer_url`, and so on; empty is what a flag is that was not given."""

    issuer_url: str = ""
    client_id: str = ""
    groups_claim: str = ""
    allow_client_credentials: bool = False
    authz_url: str = ""
    token_url: str = ""
    anonymous_auth: bool = False

    @property
    def has_oidc(self) -> bool:
        return bool(self.issuer_url and self.client_id)


def read_settings(flags: Flags, environment: Mapping[str, str]) -> Settings | None:
    """The settings of validation, or None where OIDC is off; raises ConfigError with everything that is wrong."""
    problems = list(_problems(flags))
    settings = None
    if flags.has_oidc:
        try:
            settings = from_mapping({**environment, **_variables(flags)})
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return settings


def _problems(flags: Flags) -> Iterator[Problem]:
    if bool(flags.issuer_url) != bool(flags.client_id):
        pair = "--oidc-issuer-url and --oidc-client-id"
        yield Problem(pair, f"{pair} must both be set or both be empty")
    for name, url in (("--oidc-authz-url", flags.authz_url), ("--oidc-token-url", flags.token_url)):
        if url and not is_web_url(url):
            yield Problem(name, f"{name} must be a well-formed http or https URL", "it needs a host, too")
    if flags.has_oidc and flags.anonymous_auth:
        # OpenDepot lets everybody in then, whatever its issuer is.
        yield Problem("--anonymous-auth", "lets everybody in; leave it out where there is an issuer")


def _variables(flags: Flags) -> dict[str, str]:
    claim = {"OIDC_GROUPS_CLAIM": flags.groups_claim} if flags.groups_claim else {}
    return {
        "OIDC_PROFILE": "opendepot",
        "OIDC_ISSUER": flags.issuer_url,
        "OIDC_CLIENT_ID": flags.client_id,
        "OIDC_ALLOW_CLIENT_CREDENTIALS": str(flags.allow_client_credentials).lower(),
        **claim,
    }
