"""The authorization-code flow with PKCE as a browser would walk it: cookies, redirects, and the code at the end.

Knows RFC 6749 section 4.1 and RFC 7636. Must not know oidc-provider, its people or its tokens.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

from integrations.processes import IntegrationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from http.client import HTTPMessage
    from typing import IO

_HTTP_SECONDS = 10.0


@dataclass(frozen=True)
class AuthorizationCode:
    """The code and the verifier that the token endpoint wants to see with it."""

    code: str = field(repr=False)
    verifier: str = field(repr=False)


def authorize(endpoint: str, parameters: Mapping[str, str], *, redirect_uri: str) -> AuthorizationCode:
    """Follow the redirects from the authorization endpoint to the redirect URI, which itself is not opened."""
    verifier = secrets.token_urlsafe(48)
    state = secrets.token_urlsafe(16)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = urlencode(
        {
            **parameters,
            "response_type": "code",
            "redirect_uri": redirect_uri,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
    )
    answer = _walk(f"{endpoint}?{query}", redirect_uri)
    if "error" in answer:
        raise IntegrationError(f"{endpoint} refused: {answer['error']} ({answer.get('error_description', '')}).")
    if answer.get("state") != state:
        raise IntegrationError(f"{endpoint} came back with another state than it was given.")
    return AuthorizationCode(answer["code"], verifier)


class _StopAtRedirectUri(urllib.request.HTTPRedirectHandler):
    def __init__(self, redirect_uri: str) -> None:
        self._redirect_uri = redirect_uri

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if newurl.startswith(self._redirect_uri):
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _walk(url: str, redirect_uri: str) -> dict[str, str]:
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPCookieProcessor(CookieJar()),
        _StopAtRedirectUri(redirect_uri),
    )
    try:
        with opener.open(url, timeout=_HTTP_SECONDS) as page:
            raise IntegrationError(f"the authorization ended on a page, {page.url}, instead of the redirect URI.")
    except urllib.error.HTTPError as stopped:
        with stopped:
            location = stopped.headers.get("Location")
            if location is None:
                reason = stopped.read(500).decode(errors="replace")
                raise IntegrationError(f"{url.partition('?')[0]} answered {stopped.code}: {reason}") from None
            return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
