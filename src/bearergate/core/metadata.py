"""Issuer identifiers, their well-known URLs, and the documents found there (OIDC Discovery 1.0, RFC 8414).

Knows no network: it says where to ask and what an answer must hold; attempt.py asks.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

from bearergate.core.encoding import NotStrict, decode_json_object

MAX_URL: Final = 2048
ENTRA_V1: Final = "https://sts.windows.net/"
"""With what the issuer of every tenant of Entra ID begins, in tokens of version 1."""
ENTRA_V2: Final = "https://login.microsoftonline.com/"
"""The same in tokens of version 2, and of the discovery documents of both."""
_LOOPBACK_V4: Final = ipaddress.ip_network("127.0.0.0/8")
_LOOPBACK_V6: Final = ipaddress.IPv6Address("::1")
# Their tokens name one tenant each, so these would be the iss of no token, and the keys of all.
_OF_EVERY_TENANT: Final = re.compile(rf"{re.escape(ENTRA_V2)}(common|organizations|consumers)(/|$)")
_UNSAFE: Final = re.compile(r"[^!-~]|[\\\"<>^`{|}]")


class UrlProblem(ValueError):
    """A URL that may not be used. Its text says why and what to write instead."""


class MetadataError(ValueError):
    """A discovery document that may not be used. One sentence."""


def is_loopback(host: str) -> bool:
    """Whether a parsed host is this machine: `localhost`, 127.0.0.0/8 or ::1."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    # Not `is_loopback`: whether that holds for IPv4 inside IPv6 depends on the Python version.
    return address in _LOOPBACK_V4 or address == _LOOPBACK_V6


def check_issuer(issuer: str, *, allow_insecure_http: bool = False) -> None:
    """Raise UrlProblem unless the text may be an issuer identifier (RFC 8414 section 2, OIDC Discovery section 3)."""
    check_url(issuer, allow_insecure_http=allow_insecure_http)
    if "?" in issuer:
        raise UrlProblem("must not have a query")
    if "*" in issuer or "{" in issuer:
        raise UrlProblem("must not be a wildcard; name each tenant's own issuer")
    if _OF_EVERY_TENANT.match(issuer):
        raise UrlProblem("must not stand for every tenant of Entra ID; name your tenant's own issuer")
    if re.search(r"/\.well-known/(openid-configuration|oauth-authorization-server)(/|$)", issuer):
        raise UrlProblem("must not be the address of a discovery document; write the issuer that the document names")


def check_url(url: str, *, allow_insecure_http: bool = False) -> None:
    """Raise UrlProblem unless keys may be fetched from this URL: https, a host, no userinfo, no fragment.

    `http` is accepted for loopback hosts, decided on the parsed host, or with `allow_insecure_http`.
    """
    if re.search(r"/\{[^/]*\}(/|$)", url):
        raise UrlProblem("must not be a template; name each tenant's own issuer")
    # urlsplit silently drops tab, CR and LF, so characters are judged before it sees them.
    if not url or len(url) > MAX_URL or _UNSAFE.search(url):
        raise UrlProblem("must be a URL of printable ASCII characters without spaces")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise UrlProblem("must be a URL with a valid host and port") from None
    if not url.startswith(("https://", "http://")):
        raise UrlProblem("must start with https:// in lower case")
    if not host or parts.netloc.endswith(":") or port == 0:
        raise UrlProblem("must be a URL with a valid host and port")
    if "@" in parts.netloc:
        raise UrlProblem("must not hold a user name or password")
    if "#" in url:
        raise UrlProblem("must not have a fragment")
    if url.endswith("?"):
        raise UrlProblem("must not have an empty query")
    if parts.scheme == "http" and not (allow_insecure_http or is_loopback(host)):
        raise UrlProblem(
            "must use https; http is only for loopback hosts, or with allow_insecure_http: true in a configuration file"
        )


def well_known_urls(issuer: str) -> tuple[str, str]:
    """Where the issuer's metadata may be: the OIDC Discovery form, and the RFC 8414 section 3.1 form for a 404."""
    parts = urlsplit(issuer)
    root = f"{parts.scheme}://{parts.netloc}"
    return (
        f"{issuer.removesuffix('/')}/.well-known/openid-configuration",
        f"{root}/.well-known/oauth-authorization-server{parts.path.removesuffix('/')}",
    )


def other_slash(issuer: str) -> str:
    """The same with one slash less at its end, or with one more."""
    return issuer.removesuffix("/") if issuer.endswith("/") else f"{issuer}/"


def read_jwks_uri(
    raw: bytes, *, issuer: str, allow_insecure_http: bool = False, slash_by_discovery: bool = False
) -> str:
    """The `jwks_uri` of a discovery document; raises MetadataError.

    The document's `issuer` must equal the configured one exactly (OIDC Discovery section 4.3); with
    `slash_by_discovery` it may have a slash more or less at its end. Plain http is only accepted where the issuer
    itself was allowed it.
    """
    try:
        document = decode_json_object(raw)
    except NotStrict as problem:
        raise MetadataError(f"the discovery document is not strict JSON: {problem}") from None
    named = (issuer, other_slash(issuer)) if slash_by_discovery else (issuer,)
    if document.get("issuer") not in named:
        raise MetadataError("the discovery document names another issuer than the configured one")
    jwks_uri = document.get("jwks_uri")
    if not isinstance(jwks_uri, str):
        raise MetadataError("the discovery document has no jwks_uri")
    try:
        check_url(jwks_uri, allow_insecure_http=allow_insecure_http)
    except UrlProblem as problem:
        raise MetadataError(f"the jwks_uri of the discovery document {problem}") from None
    plain = jwks_uri.startswith("http://")
    if plain and not allow_insecure_http and not issuer.startswith("http://"):
        raise MetadataError("the jwks_uri of the discovery document must use https, as its issuer does")
    return jwks_uri
