"""Expressions in CEL (https://cel.dev): compiled once, typed, bounded, and failing closed.

An expression yields true or false about facts, or it raises: there is no third verdict, and nothing is taken for true
that is not the value True itself. The only file that imports the CEL runtime (extra `cel`), and only when the first
expression is compiled. Knows no binding and no resource.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Protocol, final, runtime_checkable

from bearergate.core.cel_limits import TreeProblem, check_limits, pattern_problem, patterns
from bearergate.core.cel_tree import UnreadableTree, names_in, read_tree
from bearergate.core.claims import CLIENT_ID, ISS, SUB
from bearergate.core.errors import BearergateError
from bearergate.core.facts import CLAIMS, GROUPS, MACHINE, SCOPES, Facts

MAX_BYTES: Final = 4096
VARIABLES: Final[Mapping[str, str]] = {
    GROUPS: "list<string>",
    SUB: "string",
    ISS: "string",
    CLIENT_ID: "string",
    SCOPES: "list<string>",
    MACHINE: "bool",
    CLAIMS: "map<string,dyn>",
}
"""What an expression sees, with its type."""

OPERATORS: Final = (
    "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "_&&_", "_||_", "!_", "_?_:_", "@in", "_[_]", "_+_", "_-_", "-_",
    "_*_", "_/_", "_%_",
)  # fmt: skip
FUNCTIONS: Final = ("contains", "double", "dyn", "endsWith", "int", "matches", "size", "startsWith", "string", "type")
MACROS: Final = ("all", "exists", "exists_one", "filter", "has", "map")
_OF_MACROS: Final = "@not_strictly_false"

_BOOLEAN: Final = "BOOL"
_ANY_TYPE: Final = "DYN"
_AS_BOOLEAN: Final = "compare it, as in claims.admin == true"
_AT: Final = re.compile(r"<input>:(-?\d+):(-?\d+): (.+)")
_TOO_DEEP: Final = re.compile(r"recursion (?:limit|depth)")


class ExpressionProblem(BearergateError):
    """A text that is no expression we accept: found when it is loaded. `line` and `column` start at 1; 0 is unknown."""

    def __init__(self, problem: str, line: int = 0, column: int = 0) -> None:
        super().__init__(problem, line, column)
        self.problem = problem
        self.line = line
        self.column = column

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.problem}" if self.line else self.problem


class ExpressionError(BearergateError):
    """An expression that yields neither true nor false about these facts. `detail` may hold values of claims."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail

    def __str__(self) -> str:
        return "the expression could not be evaluated"


@runtime_checkable
class Expression(Protocol):
    """A compiled expression. Any number of threads may evaluate it at once."""

    @property
    def text(self) -> str:
        """As the operator wrote it."""
        ...

    def evaluate(self, facts: Facts, /) -> bool:
        """The verdict; raises ExpressionError, and nothing else."""
        ...


@final
@dataclass(frozen=True, slots=True)
class BrokenExpression:
    """Stands for an expression that does not compile, so that whoever reaches it is refused."""

    text: str
    problem: str

    def evaluate(self, _facts: Facts, /) -> bool:
        """Never a verdict."""
        raise ExpressionError(self.problem)


@final
class _CelExpression:
    """An expression that the runtime compiled. Equal to another of the same text; copied by compiling it again."""

    def __init__(self, text: str, source: str, compiled: Any, *, reads_claims: bool) -> None:  # noqa: ANN401 - theirs
        self.text = text
        self._source = source
        self._compiled = compiled
        self._reads_claims = reads_claims

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _CelExpression) and (self.text, self._source) == (other.text, other._source)

    def __hash__(self) -> int:
        return hash((self.text, self._source))

    def __repr__(self) -> str:
        return f"<expression {self.text!r}>"

    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        return compile_cel, (self._source, self.text)

    def evaluate(self, facts: Facts, /) -> bool:
        try:
            result = self._compiled.eval(_engine().activation(facts, with_claims=self._reads_claims))
            is_boolean = result.type().name() == _BOOLEAN
            value = result.value()
        except Exception as problem:  # noqa: BLE001 - whatever the runtime raises is no verdict
            raise ExpressionError(_short(str(problem))) from None
        # An error is a value too, with its message as its content, and every such object counts as true.
        if not is_boolean or not isinstance(value, bool):
            raise ExpressionError(_short(str(value)))
        return value is True


@dataclass(frozen=True, slots=True)
class _Engine:
    """The runtime with the variables and functions that expressions may use."""

    environment: Any

    def activation(self, facts: Facts, *, with_claims: bool) -> object:
        """The facts as the runtime takes them; it converts each at most once."""
        # Most expressions look at no claim, and a token has many.
        if with_claims:
            return facts.keep("cel with claims", lambda: self._bound({**facts.plain(), CLAIMS: facts.plain_claims()}))
        return facts.keep("cel", lambda: self._bound(facts.plain()))

    def _bound(self, values: Mapping[str, object]) -> object:
        made: object = self.environment.Activation(values)
        return made


@cache
def _engine() -> _Engine:
    from cel_expr_python import cel  # type: ignore[import-untyped]

    names = "".join(f'    - name: "{name}"\n' for name in (*OPERATORS, _OF_MACROS, *FUNCTIONS))
    config = cel.NewEnvConfigFromYaml(f"stdlib:\n  include_functions:\n{names}")
    texts = cel.Type.List(cel.Type.STRING)
    anything = cel.Type.Map(cel.Type.STRING, cel.Type.DYN)
    types = {"list<string>": texts, "string": cel.Type.STRING, "bool": cel.Type.BOOL, "map<string,dyn>": anything}
    return _Engine(cel.NewEnv(config=config, variables={name: types[kind] for name, kind in VARIABLES.items()}))


def compile_rule(text: str) -> Expression:
    """The expression that a CEL text is; raises ExpressionProblem.

    ModuleNotFoundError when the extra `cel` is not installed.
    """
    check_length(text)
    return compile_cel(text, text)


def check_length(text: str) -> None:
    """Raise ExpressionProblem for a text that is empty, too long, or not Unicode."""
    if not text.strip():
        raise ExpressionProblem("an expression must not be empty")
    if "\0" in text:
        raise ExpressionProblem("an expression must not hold a NUL character")
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError:
        raise ExpressionProblem("an expression must be Unicode text") from None
    if size > MAX_BYTES:
        raise ExpressionProblem(f"an expression has at most {MAX_BYTES} bytes, this one has {size}")


def compile_cel(text: str, written: str) -> Expression:
    """The same for a text of any length. `written`: what the operator wrote, where the text was made from that."""
    engine = _engine()
    try:
        compiled = engine.environment.compile(text)
        kind = compiled.return_type().name()
        serialized = compiled.serialize()
    except Exception as problem:  # noqa: BLE001 - a text that the runtime does not take is no expression
        raise _problem_of_runtime(str(problem)) from None
    if kind == _ANY_TYPE:
        raise ExpressionProblem(f"yields a value whose type is not known: {_AS_BOOLEAN}")
    if kind != _BOOLEAN:
        raise ExpressionProblem(f"must yield true or false, yields {kind.lower()}")
    names = _checked_names(serialized, text)
    return _CelExpression(written, text, compiled, reads_claims=CLAIMS in names)


def _checked_names(serialized: bytes, text: str) -> frozenset[str]:
    """The names in an expression; raises ExpressionProblem when it costs or asks for too much, or cannot be read."""
    try:
        root = read_tree(serialized)
        check_limits(root)
        for pattern, place in patterns(root):
            flaw = check_pattern(pattern)
            if flaw:
                raise TreeProblem(flaw, place)
        return names_in(root)
    except UnreadableTree as problem:
        raise ExpressionProblem(f"cannot be looked at: {problem}") from None
    except TreeProblem as problem:
        raise ExpressionProblem(problem.problem, *_position(text, problem.place)) from None


def check_pattern(pattern: str) -> str | None:
    """What is wrong with a regular expression, as a clause, or None."""
    flaw = pattern_problem(pattern)
    if flaw:
        return flaw
    # The runtime compiles patterns when it evaluates; asked now, a bad one is found at load.
    source = f'"".matches({quote(pattern)})'
    try:
        compiled = _engine().environment.compile(source)
        _CelExpression(pattern, source, compiled, reads_claims=False).evaluate(Facts())
    except ExpressionError as error:
        return _without_status(error.detail)
    return None


def quote(text: str) -> str:
    """The text as a CEL literal in printable ASCII."""
    return '"' + "".join(_quoted(char) for char in text) + '"'


def _quoted(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    return char if " " <= char <= "~" else f"\\U{ord(char):08x}"


def _position(text: str, place: int) -> tuple[int, int]:
    return text.count("\n", 0, place) + 1, place - text.rfind("\n", 0, place)


def _problem_of_runtime(message: str) -> ExpressionProblem:
    if _TOO_DEEP.search(message):
        return ExpressionProblem("is nested too deeply")
    found = _AT.search(message)
    if found is None:
        return ExpressionProblem(_short(_without_status(message)))
    sentence = found[3].removesuffix(" (in container '')")
    return ExpressionProblem(_short(sentence), max(0, int(found[1])), max(0, int(found[2])))


def _without_status(message: str) -> str:
    """A message of the runtime without the code in front of it."""
    return _short(re.sub(r"^[A-Z_]+: |\s*\[[A-Z_]+\]$", "", message))


def _short(message: str) -> str:
    return " ".join(message.split())[:300]
