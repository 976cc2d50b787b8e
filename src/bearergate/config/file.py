"""Configuration files: YAML and TOML -> located values with their lines. Knows no key of theirs and no meaning."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from bearergate.config.deployment import VARIABLES, Deployment, beside
from bearergate.config.environment import CONFIG_FILE, look_at_unknown, read_variable
from bearergate.config.located import Findings, Located, locate
from bearergate.config.quay_schema import is_quay, quay_schema
from bearergate.config.schema import build
from bearergate.config.settings import Settings
from bearergate.core.errors import Problem

_ROOT: Final = "the file"
_TABLE: Final = re.compile(r"\s*\[(\[?)\s*([\w.\s\"'-]+?)\s*\]")
_KEY: Final = re.compile(r"\s*([\w.\"'-]+(?:\s*\.\s*[\w\"'-]+)*)\s*=")
_ITEM: Final = re.compile(r"^\s*\[\[?[\w.]+\]\]?\s*$", re.MULTILINE)
"""The head of a table, which stands on no line of its own in YAML."""
_YAML: Final = re.compile(r"^\w+:(?:\s|$)", re.MULTILINE)
"""A key as YAML has it, which can begin no line of TOML."""
_LINE: Final = re.compile(r"line (\d+)")
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


def from_file(
    path: str | os.PathLike[str], *, environment: Mapping[str, str] = _NOTHING, with_snapshot: bool = True
) -> Settings:
    """Settings from a YAML (extra `yaml`) or TOML file; relative paths in it start at its folder.

    A file with `*_LOGIN_CONFIG` blocks is the configuration of a Quay: see `from_quay`.

    `environment`: variables beside it, of which those are read that describe the deployment (`BEARERGATE_SNAPSHOT`,
    `BEARERGATE_REDIS_URL`, ...). `with_snapshot`: see `from_mapping`. Raises ConfigError with every problem at once,
    each with its line.
    """
    findings = Findings()
    look_at_unknown(environment, (CONFIG_FILE, *VARIABLES), ("BEARERGATE_",), findings)
    members = {key: read_variable(key, environment[key], findings) for key in VARIABLES if key in environment}
    deployment = Deployment(beside=beside(members), with_snapshot=with_snapshot)
    return build(read_schema(path, findings), findings, Path(path).parent, deployment)


def read_schema(path: str | os.PathLike[str], findings: Findings) -> Located | None:
    """The schema in a file, also when that is the configuration of a Quay; None after noting why it cannot be read."""
    root = read_file(path, findings)
    return quay_schema(root, findings) if root is not None and is_quay(root) else root


def read_file(path: str | os.PathLike[str], findings: Findings) -> Located | None:
    """The content of a file, or None after noting why it cannot be read."""
    name = os.fspath(path)
    suffix = Path(path).suffix.lower()
    if suffix not in (".yaml", ".yml", ".toml"):
        findings.add(Problem(name, "the file has an unknown extension", "name it .yaml, .yml or .toml"))
        return None
    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        findings.add(Problem(name, "the file is not UTF-8 text", "save it as UTF-8"))
        return None
    except (OSError, ValueError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else None
        findings.add(Problem(name, f"the file cannot be read: {why or 'not a usable path'}", "name a readable file"))
        return None
    return _read_toml(text, name, findings) if suffix == ".toml" else _read_yaml(text, name, findings)


def _read_yaml(text: str, name: str, findings: Findings) -> Located | None:
    try:
        from bearergate.config.yaml_file import YamlProblem, read_yaml
    except ModuleNotFoundError as missing:
        if missing.name != "yaml":
            raise
        cure = "install bearergate[yaml], or write the file as TOML"
        findings.add(Problem(name, "YAML files need the extra yaml, which is not installed", cure))
        return None
    try:
        return read_yaml(text, f"file {name}", _ROOT)
    except YamlProblem as problem:
        origin = f"file {name} line {problem.line}" if problem.line else f"file {name}"
        cure = "name the file .toml: it looks like TOML" if _ITEM.search(text) else "correct the YAML"
        findings.add(Problem(name, str(problem), cure, origin))
        return None


def _read_toml(text: str, name: str, findings: Findings) -> Located | None:
    try:
        data = tomllib.loads(text)
    except RecursionError:
        findings.add(Problem(name, "the file is nested too deeply", "correct the TOML", f"file {name}"))
        return None
    except ValueError as problem:
        line = _LINE.search(str(problem))
        origin = f"file {name} line {line[1]}" if line else f"file {name}"
        cure = "name the file .yaml: it looks like YAML" if _YAML.search(text) else "correct the TOML"
        findings.add(Problem(name, f"the file is not valid TOML: {problem}", cure, origin))
        return None
    lines = toml_lines(text)

    def origin_of(path: str) -> str:
        # What stands inside an array or an inline table is found where that begins.
        while path and path not in lines:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return f"file {name} line {lines[path]}" if path else f"file {name}"

    return locate(data, "", origin_of, _ROOT)


def toml_lines(text: str) -> dict[str, int]:
    """Where each key and table of a valid TOML document begins; tomllib does not tell."""
    lines: dict[str, int] = {}
    tables: dict[str, int] = {}
    prefix = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if table := _TABLE.match(line):
            prefix = _table_path(_plain(table[2]), tables, opens_item=bool(table[1]))
            lines.setdefault(prefix, number)
            lines.setdefault(prefix.rpartition("[")[0] or prefix, number)
        elif key := _KEY.match(line):
            lines.setdefault(f"{prefix}.{_plain(key[1])}".lstrip("."), number)
    return lines


def _plain(key: str) -> str:
    return re.sub(r"\s|[\"']", "", key)


def _table_path(name: str, tables: dict[str, int], *, opens_item: bool) -> str:
    """The path of a table header: `[issuers.groups]` belongs to the last item of `[[issuers]]`."""
    if opens_item:
        tables[name] = tables.get(name, -1) + 1
        return f"{name}[{tables[name]}]"
    parent, dot, rest = name.partition(".")
    return f"{parent}[{tables[parent]}]{dot}{rest}" if parent in tables else name
