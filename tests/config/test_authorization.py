"""`bindings:` and `group_bindings:` in a configuration: one ordered list, every fault at once, and its own version."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bearergate.config import Settings, from_dict, from_file
from bearergate.core.bindings import Bindings
from bearergate.core.errors import AccessDenied
from bearergate.core.facts import Facts
from bearergate.core.reasons import Reason
from bearergate.core.resources import Resource
from tests.config.configurations import loaded, problems_of, refusal_of, schema, written

AS_FOLDER = "name a folder of GroupBinding manifests"
DEV = {"name": "dev", "expression": '"dev" in groups', "grants": {"module": ["aws-*"]}}


def manifest(name: str, expression: str = '"ops" in groups', **lists: list[str]) -> str:
    return json.dumps(
        {
            "apiVersion": "opendepot.defdev.io/v1alpha1",
            "kind": "GroupBinding",
            "metadata": {"name": name},
            "spec": {"expression": expression, **lists},
        }
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    written(manifests, "ops.yaml", manifest("a-ops", moduleResources=["*"]))
    return manifests


def bindings_of(settings: Settings) -> Bindings:
    assert settings.bindings is not None
    return settings.bindings


def version(**top: Any) -> str:
    return from_dict(schema(**top)).policy_version


def test_without_any_there_are_none_and_the_version_is_as_before() -> None:
    assert loaded().bindings is None
    assert loaded().origin("bindings") == "default"
    assert loaded().policy_version == Settings(issuers=loaded().issuers).policy_version


def test_bindings_of_the_configuration_are_in_the_settings() -> None:
    settings = from_dict(schema(bindings=[DEV]))
    assert bindings_of(settings).match(Facts(groups=("dev",))).covers(Resource("module", "aws-vpc"))
    assert settings.origin("bindings") == "code"
    assert settings.warnings == ()


def test_a_folder_of_manifests_starts_at_the_folder_of_the_file(folder: Path) -> None:
    text = json.dumps({**schema(), "group_bindings": "manifests"})
    settings = from_file(written(folder.parent, "gate.yaml", text))
    assert [binding.name for binding in bindings_of(settings)] == ["a-ops"]
    assert settings.origin("bindings").endswith("gate.yaml line 1")


def test_both_together_are_one_list_in_the_order_of_names(folder: Path) -> None:
    settings = from_dict(schema(bindings=[DEV, {**DEV, "name": "Z"}], group_bindings=str(folder)))
    assert [binding.name for binding in bindings_of(settings)] == ["Z", "a-ops", "dev"]
    assert settings.origin("bindings") == "code, code"


def test_a_manifest_whose_expression_does_not_compile_is_named_at_the_start_and_denies(folder: Path) -> None:
    written(folder, "broken.yaml", manifest("0-broken", "roles == 1"))
    settings = from_dict(schema(group_bindings=str(folder)))
    (warning,) = settings.warnings
    assert warning.startswith("group_bindings: 0-broken.expression (")
    assert warning.endswith("unknown name roles: there is groups")
    assert [problem.path for problem in bindings_of(settings).problems] == ["0-broken.expression"]
    with pytest.raises(AccessDenied) as caught:
        bindings_of(settings).match(Facts(groups=("ops",)))
    assert caught.value.reason is Reason.BINDING_ERROR


def test_no_manifests_are_bindings_that_grant_nothing(tmp_path: Path) -> None:
    settings = from_dict(schema(group_bindings=str(tmp_path)))
    assert len(bindings_of(settings)) == 0
    assert settings.policy_version != loaded().policy_version


def test_a_name_in_both_is_refused(folder: Path) -> None:
    assert problems_of(from_dict, schema(bindings=[{**DEV, "name": "a-ops"}], group_bindings=str(folder))) == [
        (
            "group_bindings",
            "group_bindings holds a manifest of the name 'a-ops', which one of bindings has too; name each once",
        )
    ]


def test_everything_that_is_wrong_is_told_at_once(folder: Path) -> None:
    written(folder, "other.yaml", manifest("a-ops"))
    broken = {"bindings": [{**DEV, "expression": "groups"}], "group_bindings": str(folder), "max_token_bytes": 1}
    problems = refusal_of(from_dict, schema(**broken)).problems
    assert [problem.path for problem in problems] == [
        "max_token_bytes",
        "bindings[0].expression",
        "metadata.name",
    ]


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (
            "missing",
            f"group_bindings is no folder that can be read: No such file or directory; {AS_FOLDER}",
        ),
        (7, "group_bindings must be a string, got int; write it in quotes"),
        ([], "group_bindings must be a string, got list; write one string in quotes"),
    ],
)
def test_a_folder_that_is_none_is_named(value: object, sentence: str) -> None:
    assert problems_of(from_dict, schema(group_bindings=value)) == [("group_bindings", sentence)]


def test_a_folder_without_manifests_is_a_warning(tmp_path: Path) -> None:
    below = tmp_path / "team"
    below.mkdir()
    written(below, "ops.yaml", manifest("a-ops", moduleResources=["*"]))
    settings = from_dict(schema(group_bindings=str(tmp_path)))
    assert not tuple(bindings_of(settings))
    (warning,) = settings.warnings
    assert warning.startswith(
        "group_bindings: the folder holds no manifest and grants nothing; put files that end in .yaml"
    )
    assert warning.endswith("into it, not into folders below it")


def test_equal_bindings_are_equal_settings(folder: Path) -> None:
    whole = schema(bindings=[DEV], group_bindings=str(folder))
    assert from_dict(whole) == from_dict(whole)
    assert hash(from_dict(whole).bindings) == hash(from_dict(whole).bindings)
    assert from_dict(whole) != from_dict(schema(bindings=[DEV]))
    assert from_dict(whole).bindings != "bindings"


def test_every_change_of_a_binding_changes_the_version_and_their_order_does_not(folder: Path) -> None:
    other = {**DEV, "name": "ops", "expression": '"ops" in groups'}
    versions = [
        version(),
        version(bindings=[DEV]),
        version(bindings=[{**DEV, "name": "x"}]),
        version(bindings=[{**DEV, "expression": "machine"}]),
        version(bindings=[{**DEV, "grants": {"module": ["*"]}}]),
        version(bindings=[{**DEV, "grants": {"provider": ["aws-*"]}}]),
        version(bindings=[DEV, other]),
        version(group_bindings=str(folder)),
    ]
    assert len(set(versions)) == len(versions)
    assert version(bindings=[DEV, other]) == version(bindings=[other, DEV])


def test_a_manifest_and_a_binding_that_read_alike_have_versions_of_their_own(folder: Path) -> None:
    # The same words are two languages: what fails on the left of `||` denies in one of them.
    written(folder, "ops.yaml", manifest("a", "groups[5] == 'x' || true", moduleResources=["*"]))
    alike = {"name": "a", "expression": "groups[5] == 'x' || true", "grants": {"module": ["*"], "provider": ["*"]}}
    assert version(group_bindings=str(folder)) != version(bindings=[alike])
