"""YAML text -> located values. The only file that imports PyYAML (extra `yaml`).

Reads the node tree of the safe loader, because plain data has lost its lines and its duplicate keys.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import yaml

from bearergate.config.located import Located

MAX_VALUES: Final = 20_000
_MAP: Final = "tag:yaml.org,2002:map"
_LIST: Final = "tag:yaml.org,2002:seq"
_BOOLEAN: Final = "tag:yaml.org,2002:bool"
_TEXT: Final = "tag:yaml.org,2002:str"
_NULL: Final = "tag:yaml.org,2002:null"


class YamlProblem(ValueError):
    """Text that is not the YAML we accept. One sentence; `line` is where, or 0."""

    def __init__(self, text: str, line: int = 0) -> None:
        super().__init__(text)
        self.line = line


def read_yaml(text: str, origin: str, name: str) -> Located:
    """The one document of the text; raises YamlProblem."""
    with _loader(text) as loader:
        root = loader.get_single_node()
        return Located(None, "", name, origin) if root is None else _Reader(loader, origin).read(root, "", name)


def read_yaml_documents(text: str, origin: str, name: str) -> tuple[Located, ...]:
    """Every document of the text that holds something; raises YamlProblem."""
    with _loader(text) as loader:
        reader = _Reader(loader, origin)
        found: list[Located] = []
        while loader.check_node():
            root = loader.get_node()
            if root is not None and root.tag != _NULL:
                found.append(reader.read(root, "", name))
        return tuple(found)


@contextmanager
def _loader(text: str) -> Generator[yaml.SafeLoader]:
    """A loader over the text, whose errors become YamlProblem."""
    try:
        loader = yaml.SafeLoader(text)
        try:
            yield loader
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as problem:
        line = problem.problem_mark.line + 1 if problem.problem_mark else 0
        raise YamlProblem(f"the file is not valid YAML: {problem.problem or problem.context}", line) from None
    except RecursionError:
        raise YamlProblem("the file is nested too deeply") from None
    except yaml.YAMLError:
        raise YamlProblem("the file is not valid YAML: it holds characters that YAML does not allow") from None


class _Reader:
    """Turns nodes into located values."""

    def __init__(self, loader: yaml.SafeLoader, origin: str) -> None:
        self._loader = loader
        self._origin = origin
        self._count = 0
        self._open: set[int] = set()

    def read(self, node: yaml.Node, path: str, name: str, line: int = 0) -> Located:
        """One value; a member of a mapping is found at the line of its key."""
        line = line or node.start_mark.line + 1
        origin = f"{self._origin} line {line}" if path else self._origin
        self._count += 1
        # An alias may make a small file unfold into a huge one, or hold itself.
        if self._count > MAX_VALUES or id(node) in self._open:
            raise YamlProblem("the file holds too many values, or an alias that holds itself", line)
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode) and node.tag == _MAP:
                members = self._members(node, path)
                return Located({}, path, name, origin, members=members)
            if isinstance(node, yaml.SequenceNode) and node.tag == _LIST:
                items = tuple(
                    self.read(item, f"{path}[{index}]", f"{name}[{index}]") for index, item in enumerate(node.value)
                )
                return Located([], path, name, origin, items=items)
            return Located(self._scalar(node, line), path, name, origin)
        finally:
            self._open.discard(id(node))

    def _members(self, node: yaml.MappingNode, path: str) -> dict[str, Located]:
        members: dict[str, Located] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode) or key.tag != _TEXT:
                raise YamlProblem("keys must be strings; merge keys (<<) are not supported", line)
            name = key.value
            if name in members:
                raise YamlProblem(f"the key {name[:80]} is there twice in one mapping", line)
            members[name] = self.read(value, f"{path}.{name}" if path else name, name, line)
        return members

    def _scalar(self, node: yaml.Node, line: int) -> object:
        if not isinstance(node, yaml.ScalarNode):
            raise YamlProblem("tagged mappings and lists are not supported", line)
        if node.tag == _BOOLEAN and node.value.lower() not in ("true", "false"):
            # YAML 1.2: `off` is a word (and a mode of machine clients), not a boolean.
            return str(node.value)
        try:
            value: object = self._loader.construct_object(node)
        except ValueError:
            raise YamlProblem("the file holds a value that cannot be read, such as an impossible date", line) from None
        return value
