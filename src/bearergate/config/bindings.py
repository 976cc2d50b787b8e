"""`bindings:` of the configuration -> Bindings. Here everything must be right: what is not is a problem at the start.

Expressions are CEL and grants are globs, for any kind of resource. The manifests of OpenDepot are read elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from bearergate.config.cures import AS_MAPPING
from bearergate.config.expressions import read_expression, read_glob
from bearergate.config.located import CODE, Findings, Located
from bearergate.config.section import Section, read_texts, refuse_unknown
from bearergate.core.bindings import Binding, Bindings, Globs
from bearergate.core.claims import is_plain
from bearergate.core.path_match import PathPattern, PatternProblem

BINDING_KEYS: Final = ("name", "expression", "grants")
MAX_BINDINGS: Final = 1000
_AS_BINDINGS: Final = "list bindings, each with name, expression and grants"
_AS_GRANTS: Final = 'write each kind of resource with its globs: module: ["aws-*"]'


def read_bindings(at: Located, findings: Findings) -> Bindings | None:
    """The value of `bindings`, or None after noting everything that is wrong with it."""
    if at.items is None:
        findings.problem(at, f"must be a list, got {at.kind}", _AS_BINDINGS)
        return None
    if not 0 < len(at.items) <= MAX_BINDINGS:
        findings.problem(at, f"must have 1 to {MAX_BINDINGS} items, got {len(at.items)}", _AS_BINDINGS)
        return None
    found = [_read_binding(item, findings) for item in at.items]
    check_names((item.members["name"] for item in at.items if item.members and "name" in item.members), findings)
    bindings = {binding.name: binding for binding in found if binding is not None}
    return Bindings(bindings.values()) if len(bindings) == len(at.items) else None


def check_names(names: Iterable[Located], findings: Findings) -> None:
    """Note every name that two bindings have: which of them comes first would decide."""
    first: dict[object, Located] = {}
    for at in names:
        if not isinstance(at.value, str):
            continue
        if at.value in first:
            other = first[at.value]
            place = other.path if other.origin == CODE else other.origin
            findings.problem(at, f"{at.value[:80]!r} is also the name of another binding ({place})", "name each once")
        first.setdefault(at.value, at)


def _read_binding(at: Located, findings: Findings) -> Binding | None:
    if at.members is None:
        findings.problem(at, f"must be a mapping, got {at.kind}", AS_MAPPING)
        return None
    refuse_unknown(at.members, BINDING_KEYS, findings)
    missing = [key for key in BINDING_KEYS if key not in at.members]
    for key in missing:
        findings.problem(at, f"must have {key}", _AS_BINDINGS)
    name = Section(at.members, findings).text("name")
    expression = read_expression(at.members["expression"], findings) if "expression" in at.members else None
    grants = _read_grants(at.members["grants"], findings) if "grants" in at.members else None
    if missing or name is None or expression is None or grants is None:
        return None
    return Binding(name=name, expression=expression, grants=grants)


def _read_grants(at: Located, findings: Findings) -> dict[str, Globs] | None:
    if not at.members:
        findings.problem(at, f"must be a mapping with at least one kind, got {at.kind}", _AS_GRANTS)
        return None
    grants: dict[str, Globs] = {}
    for kind, member in at.members.items():
        if not kind.strip() or not is_plain(kind):
            findings.problem(at, "must not have a kind without a name", _AS_GRANTS)
            continue
        texts = read_texts(member, findings)
        patterns = () if texts is None else tuple(_read_globs(texts, member, findings))
        if texts is not None and len(patterns) == len(texts):
            grants[kind] = Globs(patterns)
    return grants if len(grants) == len(at.members) else None


def _read_globs(texts: Iterable[str], at: Located, findings: Findings) -> Iterator[PathPattern]:
    for text in texts:
        try:
            yield read_glob(text)
        except PatternProblem as problem:
            findings.problem(at, f"must hold well-formed globs: {text[:80]!r} {problem}")
