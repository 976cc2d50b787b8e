"""The tree of an expression, read from what the runtime serializes."""

from __future__ import annotations

from typing import Any

import pytest
from cel_expr_python import cel  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from bearergate.core.cel_tree import Kind, Node, UnreadableTree, read_tree

VARIABLES = {
    "groups": cel.Type.List(cel.Type.STRING),
    "sub": cel.Type.STRING,
    "claims": cel.Type.Map(cel.Type.STRING, cel.Type.DYN),
}


def serialized(text: str) -> bytes:
    compiled: bytes = cel.NewEnv(variables=VARIABLES).compile(text).serialize()
    return compiled


def sketch(node: Node) -> Any:
    """Kind, name and parts, without places."""
    name = node.name if node.text is None else f"{node.name}={node.text}"
    return (node.kind.name, name, *(sketch(part) for part in node.parts))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true", ("CONSTANT", "")),
        ("1", ("CONSTANT", "")),
        ("-1.5", ("CONSTANT", "")),
        ("'é'", ("CONSTANT", "=é")),
        ("sub", ("NAME", "sub")),
        ("claims.a.b", ("FIELD", "b", ("FIELD", "a", ("NAME", "claims")))),
        ("has(claims.a)", ("FIELD", "a", ("NAME", "claims"))),
        ("sub.size()", ("CALL", "size", ("NAME", "sub"))),
        ("sub == 'x'", ("CALL", "_==_", ("NAME", "sub"), ("CONSTANT", "=x"))),
        ("groups[0]", ("CALL", "_[_]", ("NAME", "groups"), ("CONSTANT", ""))),
        ("[sub, 'x']", ("LIST", "", ("NAME", "sub"), ("CONSTANT", "=x"))),
        ("{'a': sub}", ("RECORD", "", ("CONSTANT", "=a"), ("NAME", "sub"))),
        (
            "google.protobuf.StringValue{value: sub}",
            ("RECORD", "google.protobuf.StringValue", ("NAME", "sub")),
        ),
        ("sub.startsWith('x')", ("CALL", "startsWith", ("NAME", "sub"), ("CONSTANT", "=x"))),
    ],
)
def test_every_kind_of_node_is_read(text: str, expected: Any) -> None:
    assert sketch(read_tree(serialized(text))) == expected


def test_a_macro_has_its_range_and_what_is_done_in_each_round() -> None:
    macro = read_tree(serialized("groups.exists(g, g == sub)"))
    assert (macro.kind, macro.name, macro.text) == (Kind.MACRO, "g", "@result")
    source, start, _, step, result = macro.parts
    assert source == Node(Kind.NAME, 0, "groups")
    assert start.kind is Kind.CONSTANT
    assert sketch(step) == (
        "CALL", "_||_", ("NAME", "@result"), ("CALL", "_==_", ("NAME", "g"), ("NAME", "sub")),
    )  # fmt: skip
    assert result.name == "@result"


def test_a_node_knows_where_it_stands() -> None:
    tree = read_tree(serialized("sub == 'é' &&\n  sub == 'x'"))
    assert [part.place for part in tree.parts] == [4, 20]
    assert [part.parts[1].place for part in tree.parts] == [7, 23]


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"\x0a",
        b"\x0a\x05ab",
        b"\x0b",
        b"\x12\x00",
        b"\x12\x04\x22\x00\x2a\x00",  # a tree without a node
        b"\x12\x06\x22\x02\x18\x01\x2a\x00",  # a constant that is a number
        b"\x12\x08\x22\x04\x1a\x00\x22\x00\x2a\x00",  # a constant and a name at once
        b"\x12\x08\x22\x06\x22\x04\x0a\x02\xff\xfe",  # a name that is no text
        b"\x12\x0c\x22\x08\x22\x03\x0a\x01\x61\x12\x01\x61\x2a\x00",  # an identifier that is no number
        b"\x12\x08\x22\x04\x4a\x02\x0a\x00\x2a\x00",  # a macro that lacks parts
        b"\x12\x0a\x22\x04\x1a\x02\x10\x01\x2a\x02\x20\x01",  # a place that is none
        b"\x10\x01",
        b"\xff" * 400,
    ],
)
def test_what_cannot_be_read_is_an_error_and_no_smaller_tree(broken: bytes) -> None:
    with pytest.raises(UnreadableTree):
        read_tree(broken)


def test_fields_that_are_not_needed_are_passed_over() -> None:
    tree = b"\x22\x04\x1a\x02\x10\x01\x2a\x00"
    assert read_tree(b"\x12\x08" + tree) == Node(Kind.CONSTANT, 0)
    extra = b"\x31" + bytes(8) + b"\x3d" + bytes(4) + b"\x40\x01"
    assert read_tree(b"\x12" + bytes([len(extra) + 8]) + extra + tree) == Node(Kind.CONSTANT, 0)


@given(st.binary(max_size=40), st.integers(0, 900), st.sampled_from(["groups.exists(g, g == sub)", "claims.a == 'x'"]))
def test_bytes_that_were_changed_are_read_or_refused(junk: bytes, at: int, text: str) -> None:
    good = serialized(text)
    try:
        found = read_tree(good[:at] + junk + good[at + len(junk) :]).kind.name
    except UnreadableTree as problem:
        found = str(problem)
    assert found
