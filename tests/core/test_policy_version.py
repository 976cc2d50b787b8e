"""The policy version: equal for equal policies in any process, and another one after every change that decides."""

from __future__ import annotations

from dataclasses import dataclass

from bearergate.core.bindings import Binding, Bindings, Globs, Grant, Names
from bearergate.core.expression import BrokenExpression, compile_rule
from bearergate.core.path_match import compile_pattern
from bearergate.core.policy import IssuerPolicy
from bearergate.core.policy_version import digest, version_with


@dataclass(frozen=True)
class Mark:
    text: str
    of: frozenset[str] = frozenset()


class Everything:
    """A grant that an application wrote itself."""

    def covers(self, name: str) -> bool:
        return bool(name)

    def __repr__(self) -> str:
        return "everything"


def dev(name: str = "dev", *, text: str = "true", glob: str = "aws-*", provider: str = "aws") -> Binding:
    grants: dict[str, Grant] = {
        "module": Globs((compile_pattern(glob),)),
        "provider": Names(frozenset({provider, "gcp"})),
    }
    return Binding(name=name, expression=compile_rule(text), grants=grants)


def test_a_version_is_short_and_the_same_for_the_same() -> None:
    marks = [Mark("a", frozenset({"x", "y", "z"})), Mark("a", frozenset({"z", "y", "x"}))]
    assert digest(marks[:1]) == digest(marks[1:])
    assert digest({"a": 1, "b": (None, True)}) == digest({"b": [None, True], "a": 1})
    assert len(digest([])) == 12


def test_every_difference_makes_another_version() -> None:
    different: list[object] = [None, 0, 1.5, "", b"", b"x", "x", (), ("x",), {"x": 1}, Mark("x"), Mark("y"), {"1": "x"}]
    policies = [IssuerPolicy(issuer="https://a.test", audiences=frozenset({name})) for name in ("a", "b")]
    assert len({digest(value) for value in [*different, *policies]}) == len(different) + len(policies)


def test_bindings_are_known_by_all_that_decides() -> None:
    changed = [dev("other"), dev(text="false"), dev(glob="gcp-*"), dev(provider="azure")]
    broken = Binding(name="dev", expression=BrokenExpression("tru", "unknown name"), grants={})
    versions = {version_with(Bindings([each]), "v1") for each in [dev(), *changed, broken]}
    assert len(versions) == 6
    assert version_with(Bindings([dev(), dev("b")]), "v1") == version_with(Bindings([dev("b"), dev()]), "v1")


def test_a_version_with_bindings_begins_with_that_of_everything_else() -> None:
    assert version_with(None, "v1") == "v1"
    rest, plus, own = version_with(Bindings([dev()]), "v1").partition("+")
    assert (rest, plus, len(own)) == ("v1", "+", 12)
    assert version_with(Bindings(()), "v1") not in ("v1", f"v1+{own}")


def test_what_an_application_wrote_itself_is_known_by_its_repr() -> None:
    own = [Binding(name="dev", expression=compile_rule("true"), grants={"module": Everything()}) for _ in range(2)]
    assert version_with(Bindings(own[:1]), "v1") == version_with(Bindings(own[1:]), "v1")
    assert version_with(Bindings(own[:1]), "v1") != version_with(Bindings([dev()]), "v1")
