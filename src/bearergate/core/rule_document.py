"""Trust rules of a robot as tenants write and read them: a JSON list, and back.

What is wrong is said in the words that administrators of Quay know. Judges only what is written: whether an issuer may
be connected to is decided when it is. Knows no request.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from bearergate.core.claims import AUD, EXP, IAT, ISS, NBF, SUB, Json, is_plain
from bearergate.core.encoding import NotStrict, decode_json_object
from bearergate.core.metadata import UrlProblem, check_issuer
from bearergate.core.trust import TrustRule

MAX_RULES: Final = 100
"""Rules of one robot."""
MAX_DOCUMENT: Final = 256 * 1024
"""Bytes."""
_MAX_LISTED: Final = 50
_KEYS: Final = ("issuer", "subject", "audiences", "claims")
_ENTRIES: Final = "entries"
# Each has a rule of its own, here or in the table of checks.
_OWN_RULES: Final = frozenset({ISS, SUB, AUD, EXP, NBF, IAT})

_NO_LIST: Final = "Expected a list of federation config entries"
_REQUIRED: Final = "Missing one or more required fields (issuer, subject)"
_NO_URL: Final = "Issuer must be a URL (http:// or https://)"
_TWICE: Final = "Duplicate federation config entry"


class RuleProblem(ValueError):
    """Rules that cannot be stored; one sentence for whoever wrote them."""


def read_rules(raw: bytes) -> tuple[TrustRule, ...]:
    """The rules of a document; raises RuleProblem."""
    if len(raw) > MAX_DOCUMENT:
        raise RuleProblem(f"More than {MAX_DOCUMENT} bytes")
    try:
        # The decoder knows objects only. Whatever else a text may do to this one shows in its members.
        document = decode_json_object(b'{"%b":%b\n}' % (_ENTRIES.encode("ascii"), raw))
    except NotStrict:
        raise RuleProblem(_NO_LIST) from None
    entries = document[_ENTRIES]
    if len(document) > 1 or not isinstance(entries, list):
        raise RuleProblem(_NO_LIST)
    if len(entries) > MAX_RULES:
        raise RuleProblem(f"More than {MAX_RULES} federation config entries")
    rules = tuple(_read(entry) for entry in entries)
    if len({(rule.issuer, rule.subject) for rule in rules}) < len(rules):
        raise RuleProblem(_TWICE)
    return rules


def written_rules(rules: Iterable[TrustRule]) -> list[dict[str, Json]]:
    """The rules as `read_rules` reads them."""
    return [dict(_written(rule)) for rule in rules]


def _written(rule: TrustRule) -> Iterator[tuple[str, Json]]:
    yield "issuer", rule.issuer
    yield "subject", rule.subject
    if rule.audiences:
        yield "audiences", list(rule.audiences)
    if rule.claims:
        yield "claims", {name: list(values) for name, values in rule.claims.items()}


def _read(entry: Json) -> TrustRule:
    if not isinstance(entry, dict):
        raise RuleProblem(_NO_LIST)
    unknown = next((key for key in entry if key not in _KEYS), None)
    if unknown is not None:
        # Passed over, a misspelt `audiences` would widen the rule.
        raise RuleProblem(f"Unknown field {unknown[:80]!r}, expected some of {', '.join(_KEYS)}")
    issuer, subject = entry.get("issuer"), entry.get("subject")
    if not isinstance(issuer, str) or not isinstance(subject, str) or not issuer or not subject.strip():
        raise RuleProblem(_REQUIRED)
    if not issuer.startswith(("http://", "https://")):
        raise RuleProblem(_NO_URL)
    try:
        check_issuer(issuer)
    except UrlProblem as problem:
        raise RuleProblem(f"Issuer {problem}") from None
    if not is_plain(subject):
        raise RuleProblem("Subject is too long or has control characters")
    return TrustRule(
        issuer=issuer, subject=subject, audiences=_audiences(entry.get("audiences", [])), claims=_claims(entry)
    )


def _audiences(value: Json) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else [value]
    texts = [text for text in listed if isinstance(text, str) and text.strip() and is_plain(text)]
    if not isinstance(value, list) or len(texts) < len(listed) or len(texts) > _MAX_LISTED:
        raise RuleProblem(f"Audiences must be a list of at most {_MAX_LISTED} non-empty strings")
    return tuple(dict.fromkeys(texts))


def _claims(entry: dict[str, Json]) -> Mapping[str, tuple[Json, ...]]:
    claims = entry.get("claims", {})
    if not isinstance(claims, dict) or len(claims) > _MAX_LISTED:
        raise RuleProblem(f"Claims must be an object of at most {_MAX_LISTED} members")
    return MappingProxyType({name: _values(name, value) for name, value in claims.items()})


def _values(name: str, value: Json) -> tuple[Json, ...]:
    if name in _OWN_RULES or not name.strip() or not is_plain(name):
        raise RuleProblem(f"Claim {name[:80]!r} cannot be named under claims")
    values = value if isinstance(value, list) else [value]
    if not values or len(values) > _MAX_LISTED or not all(_is_comparable(one) for one in values):
        raise RuleProblem(f"Claim {name[:80]!r} must be a string, a whole number, a boolean, or a list of such")
    return tuple(values)


def _is_comparable(value: Json) -> bool:
    return is_plain(value) if isinstance(value, str) else isinstance(value, int)
