"""Scopes of registries: the grammar, and what is granted of what was asked for."""

from __future__ import annotations

import pytest

from bearergate.core.registry_scope import Access, ScopeProblem, granted, read_scopes, resource
from bearergate.core.resources import Resource


@pytest.mark.parametrize(
    ("text", "access"),
    [
        ("repository:acme/app:pull", ("repository", "acme/app", ("pull",))),
        ("repository:acme/app:pull,push", ("repository", "acme/app", ("pull", "push"))),
        ("repository:a:*", ("repository", "a", ("*",))),
        ("repository(plugin):a/b-c_d.e/f__g:delete", ("repository", "a/b-c_d.e/f__g", ("delete",))),
        ("registry:catalog:*", ("registry", "catalog", ("*",))),
        ("repository:host.example:5000/a:pull", ("repository", "host.example:5000/a", ("pull",))),
        ("repository:a:", ("repository", "a", ())),
        ("repository:a:pull,pull", ("repository", "a", ("pull",))),
    ],
)
def test_a_scope_is_a_type_a_name_and_actions(text: str, access: tuple[str, str, tuple[str, ...]]) -> None:
    assert read_scopes([text]) == (Access(*access),)


def test_several_scopes_come_in_one_parameter_or_in_several_and_each_resource_once() -> None:
    values = ["repository:a:pull repository:b:pull", "repository:a:push,pull", ""]
    assert read_scopes(values) == (
        Access("repository", "a", ("pull", "push")),
        Access("repository", "b", ("pull",)),
    )
    assert read_scopes([]) == ()


@pytest.mark.parametrize(
    "text",
    [
        "repository",
        "repository:a",
        ":a:pull",
        "repository::pull",
        "repository:A:pull",
        "repository:a/:pull",
        "repository:/a:pull",
        "repository:a//b:pull",
        "repository:../a:pull",
        "repository:a/../b:pull",
        "repository:a:PULL",
        "repository:a:pull;push",
        "repository:a:pull,",
        "Repository:a:pull",
        "repository:a\n:pull",
        f"repository:{'a' * 256}:pull",
        f"repository:{'a' * 600}:pull",
    ],
)
def test_what_breaks_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(ScopeProblem):
        read_scopes([text])


def test_the_longest_name_is_still_good() -> None:
    assert read_scopes([f"repository:{'a' * 255}:pull"])[0].name == "a" * 255


def test_a_scope_is_not_longer_than_two_names() -> None:
    assert read_scopes([f"{'t' * 503}:a:pull"])[0].type == "t" * 503
    with pytest.raises(ScopeProblem):
        read_scopes([f"{'t' * 504}:a:pull"])


def test_there_are_not_too_many_scopes_nor_too_many_actions() -> None:
    assert len(read_scopes(f"repository:a{n}:pull" for n in range(50))) == 50
    with pytest.raises(ScopeProblem):
        read_scopes(f"repository:a{n}:pull" for n in range(51))
    names = ("a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k")
    assert read_scopes([f"repository:a:{','.join(names[:10])}"])[0].actions == names[:10]
    with pytest.raises(ScopeProblem):
        read_scopes([f"repository:a:{','.join(names)}"])


def test_each_action_is_a_kind_of_resource_of_its_own() -> None:
    asked = read_scopes(["repository:a:pull,push", "repository:b:pull", "registry:catalog:*"])
    assert resource(asked[0], "push") == Resource("repository:push", "a")
    grants = {Resource("repository:pull", "a"), Resource("registry:*", "catalog")}
    assert granted(asked, grants.__contains__) == (
        Access("repository", "a", ("pull",)),
        Access("registry", "catalog", ("*",)),
    )
    assert granted(asked, lambda _: False) == ()


def test_an_access_stands_in_a_token_as_registries_read_it() -> None:
    access = Access("repository", "a", ("pull", "push"))
    assert access.claim() == {"type": "repository", "name": "a", "actions": ["pull", "push"]}
