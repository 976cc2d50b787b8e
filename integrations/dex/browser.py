"""A person at a browser: opens the address that a program shows, logs in at Dex, and is sent back to the program.

Knows Dex's password form, redirects and cookies. Must not look into codes or tokens.
"""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from html import unescape
from http.cookiejar import CookieJar
from urllib.parse import urlencode, urljoin

from integrations.processes import IntegrationError

_HTTP_SECONDS = 10.0
_FORM = re.compile(r'<form[^>]*\smethod="post"[^>]*>', re.IGNORECASE)
_ACTION = re.compile(r'\saction="([^"]*)"')


def log_in(url: str, *, username: str, password: str) -> str:
    """Walk from the address to where it ends for whoever knows the password; returns the page that is shown there."""
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(CookieJar())
    )
    shown_at, page = _open(opener, url)
    form = _FORM.search(page)
    if form is None:
        raise IntegrationError(f"{shown_at} shows no form to log in with:\n{page[:500]}")
    action = _ACTION.search(form[0])
    fields = urlencode({"login": username, "password": password}).encode()
    return _open(opener, urljoin(shown_at, unescape(action[1])) if action else shown_at, fields)[1]


def _open(opener: urllib.request.OpenerDirector, url: str, fields: bytes | None = None) -> tuple[str, str]:
    try:
        with opener.open(url, fields, timeout=_HTTP_SECONDS) as response:
            return response.url, response.read().decode("utf-8", errors="replace")
    except urllib.error.URLError as error:
        raise IntegrationError(f"the browser could not open {url.partition('?')[0]}: {error.reason}.") from error
