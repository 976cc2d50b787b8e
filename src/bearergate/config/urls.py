"""Configured URLs: located values -> texts that may be used. What a URL may be is decided in core/metadata.py.

Each notes why one may not, and goes on. Knows no section in particular.
"""

from __future__ import annotations

from bearergate.config.section import Section
from bearergate.core.metadata import UrlProblem, check_issuer, check_url


def read_issuer(section: Section, *, allow_insecure_http: bool = False) -> str | None:
    """The member `issuer` as an issuer identifier, or None."""
    issuer = section.text("issuer")
    if issuer is None:
        return None
    try:
        check_issuer(issuer, allow_insecure_http=allow_insecure_http)
    except UrlProblem as problem:
        section.findings.problem(section.members["issuer"], str(problem))
        return None
    return issuer


def read_url(section: Section, key: str, *, allow_insecure_http: bool = False) -> str | None:
    """A member as a URL that keys may be fetched from, or None."""
    url = section.text(key)
    if url is None:
        return None
    try:
        check_url(url, allow_insecure_http=allow_insecure_http)
    except UrlProblem as problem:
        section.findings.problem(section.members[key], str(problem))
        return None
    return url
