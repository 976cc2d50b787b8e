"""A folder of OpenDepot's `GroupBinding` manifests -> Bindings. A pure reading: watching the folder is for others.

What cannot be read as manifests is an error for the whole folder, because a binding that is missing may let a later one
decide. What can be read stays as it would in OpenDepot, with a problem beside it: an expression that does not compile
denies whoever reaches it, and a malformed glob matches nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bearergate.config.bindings import MAX_BINDINGS, check_names
from bearergate.config.content import Unusable, read_content
from bearergate.config.cures import AS_LIST, AS_MAPPING, AS_STRINGS, as_string
from bearergate.config.expressions import compiled, read_glob
from bearergate.config.located import Findings, Located
from bearergate.config.section import read_text, refuse_unknown
from bearergate.core.bindings import Binding, Bindings, Globs, Grant, Names
from bearergate.core.errors import Problem
from bearergate.core.expr_lang import compile_expr_lang
from bearergate.core.expression import BrokenExpression, Expression, ExpressionProblem
from bearergate.core.path_match import PathPattern, PatternProblem

API_VERSION: Final = "opendepot.defdev.io/v1alpha1"
KIND: Final = "GroupBinding"
MODULE: Final = "module"
PROVIDER: Final = "provider"
SUFFIXES: Final = (".yaml", ".yml", ".json")
MAX_FILES: Final = 1000
_MANIFEST: Final = "manifest"
_LISTS: Final = ("List", f"{KIND}List")
_TOP_KEYS: Final = ("apiVersion", "kind", "metadata", "spec", "status")
_MODULES: Final = "moduleResources"
_PROVIDERS: Final = "providerResources"
_SPEC_KEYS: Final = ("expression", _MODULES, _PROVIDERS)
_AS_FOLDER: Final = f"name a folder of {KIND} manifests"
_AS_MANIFEST: Final = f"write apiVersion: {API_VERSION}, kind: {KIND}, metadata.name and spec.expression"


def read_group_bindings(folder: str | os.PathLike[str]) -> Bindings:
    """The bindings of all manifests in a folder; raises ConfigError with everything that makes it unusable.

    Files that end in .yaml, .yml or .json are read, of the folder itself only, and not those whose names begin with a
    dot. What does not make it unusable is in `problems` of the result.
    """
    findings = Findings()
    documents = [document for path in _files(Path(folder), findings) for document in _documents(path, findings)]
    manifests = [manifest for document in documents for manifest in _manifests(document, findings)]
    if len(manifests) > MAX_BINDINGS:
        findings.add(Problem(os.fspath(folder), f"holds more than {MAX_BINDINGS} manifests"))
    notes: list[Problem] = []
    found = [_read_manifest(at, findings, notes) for at in manifests[:MAX_BINDINGS]]
    check_names((name for at in manifests for name in _names(at)), findings)
    findings.raise_problems()
    return Bindings((binding for binding in found if binding is not None), notes)


def _files(folder: Path, findings: Findings) -> list[Path]:
    try:
        paths = sorted(folder.iterdir())
    except OSError as problem:
        findings.add(Problem(str(folder), f"is no folder that can be read: {problem.strerror}", _AS_FOLDER))
        return []
    # Kubernetes keeps what it mounts in folders with a dot in front, and links from here into them.
    chosen = [path for path in paths if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")]
    if len(chosen) > MAX_FILES:
        findings.add(Problem(str(folder), f"holds more than {MAX_FILES} files"))
    return chosen[:MAX_FILES]


def _documents(path: Path, findings: Findings) -> tuple[Located, ...]:
    try:
        from bearergate.config.yaml_file import YamlProblem, read_yaml_documents
    except ModuleNotFoundError as missing:
        if missing.name != "yaml":
            raise
        findings.add(Problem(str(path), "needs the extra yaml, which is not installed", "install bearergate[yaml]"))
        return ()
    try:
        text = read_content(path, guarded=True).decode("utf-8")
        return tuple(_located(document) for document in read_yaml_documents(text, f"file {path}", _MANIFEST))
    except UnicodeDecodeError:
        findings.add(Problem(str(path), "the file is not UTF-8 text", "save it as UTF-8"))
    except Unusable as flaw:
        findings.add(Problem(str(path), flaw.problem, flaw.cure))
    except YamlProblem as problem:
        origin = f"line {problem.line}" if problem.line else ""
        findings.add(Problem(str(path), str(problem), "correct the YAML", origin))
    return ()


def _located(document: Located) -> Located:
    """The document with the line that it begins in."""
    first = next(iter((document.members or {}).values()), document)
    return replace(document, path=_MANIFEST, origin=first.origin)


def _names(at: Located) -> Iterator[Located]:
    """Where a manifest has its name, if it does."""
    metadata = (at.members or {}).get("metadata")
    name = None if metadata is None else (metadata.members or {}).get("name")
    if name is not None:
        yield name


def _manifests(at: Located, findings: Findings) -> Iterator[Located]:
    """The document itself, or the items of one that is a list, as `kubectl get -o yaml` prints it."""
    members = at.members or {}
    kind = members.get("kind")
    if kind is None or kind.value not in _LISTS:
        yield at
        return
    items = members.get("items")
    if items is None or items.items is None:
        findings.problem(kind, "is a list without items")
        return
    yield from items.items


def _read_manifest(at: Located, findings: Findings, notes: list[Problem]) -> Binding | None:
    """One manifest, or None after noting why it is none."""
    if at.members is None:
        findings.problem(at, f"must be a mapping, got {at.kind}", _AS_MANIFEST)
        return None
    members = at.members
    for key, wanted in (("apiVersion", API_VERSION), ("kind", KIND)):
        place = members.get(key)
        if place is None:
            findings.problem(at, f"must have {key}", _AS_MANIFEST)
            return None
        if place.value != wanted:
            # A manifest that is passed over for a slip of the pen would let a later one decide.
            findings.problem(place, f"must be {wanted}, got {repr(place.value)[:80]}", _AS_MANIFEST)
            return None
    refuse_unknown(members, _TOP_KEYS, findings)
    metadata, spec = (_mapping(members.get(key), key, at, findings) for key in ("metadata", "spec"))
    if metadata is None or spec is None:
        return None
    name = _required(metadata, "name", members["metadata"], findings)
    expression = _required(spec, "expression", members["spec"], findings)
    text = None if name is None else read_text(name, findings)
    if text is None or expression is None:
        return None
    return _Reader(text, findings, notes).read(expression, spec)


def _mapping(at: Located | None, key: str, around: Located, findings: Findings) -> dict[str, Located] | None:
    if at is None:
        findings.problem(around, f"must have {key}", _AS_MANIFEST)
    elif at.members is None:
        findings.problem(at, f"must be a mapping, got {at.kind}", AS_MAPPING)
    else:
        return dict(at.members)
    return None


def _required(members: dict[str, Located], key: str, around: Located, findings: Findings) -> Located | None:
    if key not in members:
        findings.problem(around, f"must have {key}", _AS_MANIFEST)
    return members.get(key)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the `spec` of one manifest. `findings`: what makes it unusable; `notes`: what does not."""

    name: str
    findings: Findings
    notes: list[Problem]

    def read(self, expression: Located, spec: dict[str, Located]) -> Binding | None:
        """The binding, or None after noting why it is none."""
        for key, at in spec.items():
            if key not in _SPEC_KEYS:
                self._note(at, key, "is not known here and grants nothing")
        test = self._expression(expression)
        modules = self._texts(spec.get(_MODULES))
        providers = self._texts(spec.get(_PROVIDERS))
        if test is None or modules is None or providers is None:
            return None
        globs = Globs(tuple(self._globs(modules)))
        grants: dict[str, Grant] = {MODULE: globs, PROVIDER: Names(frozenset(str(at.value) for at in providers))}
        return Binding(name=self.name, expression=test, grants=grants)

    def _expression(self, at: Located) -> Expression | None:
        if not isinstance(at.value, str):
            self.findings.problem(at, f"must be a string, got {at.kind}", as_string(at.value))
            return None
        try:
            return compiled(compile_expr_lang, at.value, at, self.findings)
        except ExpressionProblem as problem:
            self._note(at, "expression", str(problem))
            return BrokenExpression(at.value, str(problem))

    def _texts(self, at: Located | None) -> tuple[Located, ...] | None:
        """A list of strings; nothing and null are an empty one, which grants nothing."""
        if at is None or at.value is None:
            return ()
        if at.items is None:
            self.findings.problem(at, f"must be a list, got {at.kind}", AS_LIST)
            return None
        if not all(isinstance(item.value, str) for item in at.items):
            self.findings.problem(at, "must contain only strings", AS_STRINGS)
            return None
        return at.items

    def _globs(self, items: Iterable[Located]) -> Iterator[PathPattern]:
        for at in items:
            try:
                yield read_glob(str(at.value))
            except PatternProblem as problem:
                self._note(at, _MODULES, f"{str(at.value)[:80]!r} {problem} and matches nothing")

    def _note(self, at: Located, key: str, text: str) -> None:
        self.notes.append(Problem(f"{self.name}.{key}", text, "", at.origin))
