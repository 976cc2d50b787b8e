"""The drop-in: what Quay's code calls on `OIDCLoginService` and `OAuthLoginManager`, over bearergate's validator.

Takes the place of `decode_user_jwt`, `_PublicKeyCache` and the look for an issuer's service in `oauth/oidc.py` and
`oauth/loginmanager.py`. Names, arguments and exceptions are those that the rest of Quay knows.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, Final

from bearergate import InvalidToken, Principal, Reason, Refusal, Unavailable, Validator
from bearergate.config import Settings, from_quay
from bearergate.config.quay_schema import SUFFIX, login_blocks, service_id
from bearergate.core.policy import IssuerPolicy, TokenKind
from bearergate.observers import AuditLog
from integrations.quay.exceptions import PublicKeyLoadException, RefusedTokenError
from integrations.quay.session_fetch import Session, SessionFetch

_ADAPTER: Final = "quay"
_CONFIGURED: Final = frozenset({"verify_signature", "verify_aud", "verify_iss", "verify_exp", "verify_iat"})
_log: Final = logging.getLogger("quay.oauth")
_audit: Final = logging.getLogger("quay.audit")


class ProvenTokens:
    """Mixed into OIDCLoginService. Everything is made when it is first asked for, from `config` and `key_name`.

    So a service works that was built without its constructor, and building one costs nothing.
    """

    config: Mapping[str, Any]
    key_name: str = f"OIDC{SUFFIX}"
    _http_client: Session | None = None

    @cached_property
    def settings(self) -> Settings:
        """The block as settings; raises ConfigError with everything that is wrong with it."""
        return from_quay({self.key_name: self.config}, block=self.key_name)

    @cached_property
    def validator(self) -> Validator:
        """Proves bearer tokens of this block's issuers."""
        return _validator(self.settings, self._http_client, [self.client_id()])

    @cached_property
    def login_validator(self) -> Validator:
        """Proves ID tokens that this very client got for somebody who logs in."""
        own = tuple(_for_login(policy, self.client_id()) for policy in self.settings.issuers)
        return _validator(replace(self.settings, issuers=own), self._http_client, [self.client_id()])

    def client_id(self) -> str:
        """Our client id at the provider; empty where we are no client, and then nobody can log in."""
        return str(self.config.get("CLIENT_ID") or "")

    def get_issuers(self) -> list[str]:
        """Every spelling of `iss` that is accepted, without asking anybody."""
        return [name for policy in self.settings.issuers for name in (policy.issuer, *policy.aliases)]

    def get_issuer(self) -> str:
        """The first issuer."""
        return self.settings.issuers[0].issuer

    def get_audiences(self) -> list[str]:
        """The accepted audiences, CLIENT_ID among them."""
        return sorted(self.settings.issuers[0].audiences)

    @property
    def allowed_clients(self) -> list[str] | None:
        """The clients that may act, or None for any."""
        listed = self.settings.issuers[0].allowed_clients
        return None if listed is None else sorted(listed)

    def decode_user_jwt(self, token: str, options: Mapping[str, bool] | None = None) -> dict[str, Any]:
        """The claims of a bearer token of this block; raises InvalidTokenError or PublicKeyLoadException.

        `options` may repeat what is always done. What they would switch off is not switched off: `verify_nbf` is the
        business of OIDC_SKIP_NBF, and asking for anything else is a ValueError.
        """
        refused = sorted(name for name in _CONFIGURED if (options or {}).get(name) is False)
        if refused:
            raise ValueError(f"{', '.join(refused)} cannot be switched off; configure audiences and issuers instead")
        return dict(self.prove(token).claims)

    def prove(self, token: str) -> Principal:
        """Whose bearer token it is; raises as `decode_user_jwt` does."""
        return _asked(self.validator, token)

    def decode_id_token(self, token: str, nonce: str | None = None) -> dict[str, Any]:
        """The claims of an ID token that the token endpoint gave us at a login; raises as `decode_user_jwt` does."""
        return dict(self.prove_id_token(token, nonce).claims)

    def prove_id_token(self, token: str, nonce: str | None = None) -> Principal:
        """Who logged in. `nonce`: the one that was sent with the authentication request (OIDC Core 3.1.3.7)."""
        principal = _asked(self.login_validator, token)
        if nonce is not None and principal.claims.get("nonce") != nonce:
            raise RefusedTokenError(InvalidToken(Reason.RULE_FAILED, claim="nonce"))
        return principal


class OIDCLoginService(ProvenTokens):
    """The login service of one block."""

    def __init__(self, config: Mapping[str, Any], key_name: str, client: Session | None = None) -> None:
        self.key_name = key_name
        self.config = config.get(key_name) or {}
        self._http_client = client

    def service_id(self) -> str:
        """The name of the service in Quay's paths and tables."""
        return service_id(self.key_name)


class OAuthLoginManager:
    """The login services of a whole configuration, in its order."""

    def __init__(self, config: Mapping[str, Any], client: Session | None = None) -> None:
        # All blocks at once: an issuer of two of them is an error, and every problem is told together.
        self.settings = from_quay(config)
        self.services = [OIDCLoginService(config, key, client) for key in login_blocks(config)]
        self.validator = _validator(self.settings, client, [service.client_id() for service in self.services])

    def get_service(self, name: str) -> OIDCLoginService | None:
        """The service of that name."""
        return next((service for service in self.services if service.service_id() == name), None)

    def get_service_by_issuer(self, issuer: str) -> OIDCLoginService | None:
        """The service that trusts the issuer; nobody is asked, so none that is down can break it."""
        return next((service for service in self.services if issuer in service.get_issuers()), None)


def _validator(settings: Settings, client: Session | None, own_clients: Iterable[str]) -> Validator:
    fetch = None if client is None else SessionFetch(client)
    return settings.validator(fetch=fetch, observers=[AuditLog(_audit, own_clients=own_clients)])


def _for_login(policy: IssuerPolicy, client_id: str) -> IssuerPolicy:
    """The issuer's policy where we are the client: the ID token must be ours, and OIDC_ALLOWED_CLIENTS is about others.

    An ID token for a single audience need not name its client (OIDC Core section 2); then the audience is the client.
    """
    return replace(
        policy,
        audiences=frozenset({client_id}),
        allowed_clients=frozenset({client_id}),
        client_from_audience=True,
        token_kind=TokenKind.ID_TOKEN,
    )


def _asked(validator: Validator, token: str) -> Principal:
    try:
        return validator.validate(token, adapter=_ADAPTER)
    except Unavailable as error:
        raise PublicKeyLoadException(error) from None
    except Refusal as error:
        if error.reason is Reason.CLIENT_NOT_ALLOWED:
            # The sentence by which operators of Quay find it.
            _log.warning("SSO JWT azp %.200r not in the allowed clients", error.actual)
        raise RefusedTokenError(error) from None
