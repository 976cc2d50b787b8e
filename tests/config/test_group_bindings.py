"""A folder of GroupBinding manifests: what it becomes, what makes it unusable, and what is only named."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bearergate.config.group_bindings import MAX_FILES, MODULE, PROVIDER, read_group_bindings
from bearergate.core import expr_lang, expression
from bearergate.core.errors import ConfigError
from bearergate.core.facts import Facts
from bearergate.core.resources import Resource

HEAD = "apiVersion: opendepot.defdev.io/v1alpha1\nkind: GroupBinding\n"


def manifest(name: str, expression: str = "'\"dev\" in groups'", rest: str = 'moduleResources: ["*"]') -> str:
    return f"{HEAD}metadata:\n  name: {name}\nspec:\n  expression: {expression}\n  {rest}\n"


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Path]:
    def write(**files: str) -> Path:
        for name, text in files.items():
            (tmp_path / name.replace("_", ".")).write_text(text, encoding="utf-8")
        return tmp_path

    return write


def problems_of(folder: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read_group_bindings(folder)
    return [str(problem).replace(f"{folder}{os.sep}", "") for problem in caught.value.problems]


def test_a_manifest_as_opendepot_documents_it_loads_as_it_is(put: Callable[..., Path]) -> None:
    text = """\
apiVersion: opendepot.defdev.io/v1alpha1
kind: GroupBinding
metadata:
  name: platform-team
  namespace: opendepot-system
  labels: {team: platform}
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: "{}"
  creationTimestamp: "2026-01-01T00:00:00Z"
  generation: 3
spec:
  expression: |
    "platform" in groups ||
      any(groups, {# startsWith "platform-"})   // and their friends
  moduleResources:
    - terraform-aws-*
    - vpc
  providerResources:
    - aws
status:
  conditions: []
"""
    bindings = read_group_bindings(put(a_yaml=text))
    assert bindings.problems == ()
    binding = bindings.match(Facts(groups=("platform-x",)))
    assert binding.name == "platform-team"
    granted = [(MODULE, "terraform-aws-s3"), (MODULE, "vpc"), (PROVIDER, "aws")]
    assert all(binding.covers(Resource(kind, name)) for kind, name in granted)
    assert not binding.covers(Resource(PROVIDER, "google"))
    assert not binding.covers(Resource(MODULE, "terraform-gcp-s3"))


def test_one_file_may_hold_many_manifests_and_a_list_of_them(put: Callable[..., Path]) -> None:
    listed = [
        {"apiVersion": "opendepot.defdev.io/v1alpha1", "kind": "GroupBinding", "metadata": {"name": name},
         "spec": {"expression": "true"}}
        for name in ("c", "b")
    ]  # fmt: skip
    folder = put(
        a_yaml="# first\n---\n" + manifest("e") + "---\n---\n# none\n---\n" + manifest("d") + "...\n",
        b_json=json.dumps({"apiVersion": "v1", "kind": "List", "items": listed}),
        c_YML=manifest("a"),
    )
    assert [binding.name for binding in read_group_bindings(folder)] == ["a", "b", "c", "d", "e"]


def test_only_manifests_of_the_folder_itself_are_read(put: Callable[..., Path]) -> None:
    # As Kubernetes mounts a ConfigMap: the files are links into a folder with a dot in front.
    folder = put(a_yaml=manifest("a"), notes_txt="not: [yaml", _hidden_yaml="not: [yaml")
    assert (folder / ".hidden.yaml").exists()
    (folder / "..data").mkdir()
    (folder / "..data" / "b.yaml").write_text(manifest("b"), encoding="utf-8")
    (folder / "b.yaml").symlink_to(folder / "..data" / "b.yaml")
    (folder / "more").mkdir()
    (folder / "more" / "c.yaml").write_text("not: [yaml", encoding="utf-8")
    assert [binding.name for binding in read_group_bindings(str(folder))] == ["a", "b"]


def test_an_empty_folder_holds_no_bindings(tmp_path: Path) -> None:
    assert len(read_group_bindings(tmp_path)) == 0


def test_what_stops_nothing_is_named_with_its_place(put: Callable[..., Path]) -> None:
    rest = 'moduleResources: ["[a", "[b", ok]\n  skillResources: ["*"]'
    bindings = read_group_bindings(put(a_yaml="---\n" + manifest("a", "roles", rest)))
    assert [str(problem).partition(" (")[0] for problem in bindings.problems] == [
        "a.skillResources",
        "a.expression",
        "a.moduleResources",
        "a.moduleResources",
    ]
    assert [str(problem).rpartition("a.yaml ")[2] for problem in bindings.problems] == [
        "line 9): is not known here and grants nothing",
        "line 7): line 1, column 1: unknown name roles: there is groups",
        "line 8): '[a' has a character class that is not closed and matches nothing",
        "line 8): '[b' has a character class that is not closed and matches nothing",
    ]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (
            "kind: [",
            ["a.yaml (line 1): the file is not valid YAML: expected the node content, but found '<stream end>'"],
        ),
        ("\ufffe: 1", ["a.yaml: the file is not valid YAML: it holds characters that YAML does not allow"]),
        ("- 1", ["manifest must be a mapping, got list (file a.yaml)"]),
        ("a: 1\na: 2", ["a.yaml (line 2): the key a is there twice in one mapping"]),
        (" \n", ["a.yaml: names an empty file"]),
        ("kind: GroupBinding", ["manifest must have apiVersion (file a.yaml line 1)"]),
        (
            "\napiVersion: v1\nkind: GroupBinding",
            ["apiVersion must be opendepot.defdev.io/v1alpha1, got 'v1' (file a.yaml line 2)"],
        ),
        (
            "apiVersion: opendepot.defdev.io/v1alpha1\nkind: Module",
            ["kind must be GroupBinding, got 'Module' (file a.yaml line 2)"],
        ),
        (
            f"{HEAD}metadata: {{name: a}}\nSpec: {{expression: 'true'}}",
            [
                "Spec (file a.yaml line 4): unknown key Spec: did you mean spec?",
                "manifest must have spec (file a.yaml line 1)",
            ],
        ),
        (f"{HEAD}metadata: a\nspec: {{}}", ["metadata must be a mapping, got str (file a.yaml line 3)"]),
        (
            f"{HEAD}metadata: {{generateName: a}}\nspec: {{expresion: 'true'}}",
            [
                "metadata must have name (file a.yaml line 3)",
                "spec must have expression (file a.yaml line 4)",
            ],
        ),
        (
            f"{HEAD}metadata: {{name: 7}}\nspec: {{expression: 'true'}}",
            ["metadata.name (file a.yaml line 3): name must be a string, got int"],
        ),
        (
            manifest("a", "true", "moduleResources: x"),
            [
                "spec.expression (file a.yaml line 6): expression must be a string, got bool",
                "spec.moduleResources (file a.yaml line 7): moduleResources must be a list, got str",
            ],
        ),
        (
            manifest("a", "'true'", "providerResources: [a, 1]"),
            ["spec.providerResources (file a.yaml line 7): providerResources must contain only strings"],
        ),
        ("kind: List", ["kind is a list without items (file a.yaml line 1)"]),
        ("kind: List\nitems: {}", ["kind is a list without items (file a.yaml line 1)"]),
        ("kind: List\nitems: [1]", ["items[0] must be a mapping, got int (file a.yaml line 2)"]),
        (
            manifest("a") + "---\n" + manifest("a", "roles"),
            ["metadata.name (file a.yaml line 12): name 'a' is also the name of another binding (file a.yaml line 4)"],
        ),
    ],
)
def test_what_is_no_manifest_makes_the_folder_unusable(
    put: Callable[..., Path], text: str, problems: list[str]
) -> None:
    # One that is passed over could let a later one decide.
    found = problems_of(put(a_yaml=text, good_yaml=manifest("good")))
    assert [one.partition("; ")[0] for one in found] == problems


def test_what_to_write_instead_is_told(put: Callable[..., Path]) -> None:
    cure = "write apiVersion: opendepot.defdev.io/v1alpha1, kind: GroupBinding, metadata.name and spec.expression"
    assert problems_of(put(a_yaml="x: 1")) == [f"manifest must have apiVersion (file a.yaml line 1); {cure}"]


def test_everything_that_is_wrong_in_all_files_is_told_at_once(put: Callable[..., Path]) -> None:
    folder = put(a_yaml="- 1", b_yaml=manifest("twin"), c_yaml=manifest("twin"), d_yaml="[")
    (folder / "e.yaml").write_bytes(b"a: \xff")
    (folder / "f.yaml").symlink_to(folder / "gone.yaml")
    told = problems_of(folder)
    assert [one.split(".yaml")[0].rpartition(" ")[2] for one in told] == ["d", "e", "f", "a", "c"]
    assert told[1] == "e.yaml: the file is not UTF-8 text; save it as UTF-8"
    assert told[2] == "f.yaml: cannot be read: No such file or directory; name a readable file"


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(ConfigError, match="gone: is no folder that can be read: No such file or directory"):
        read_group_bindings(tmp_path / "gone")
    with pytest.raises(ConfigError, match="file: is no folder that can be read: Not a directory"):
        read_group_bindings(tmp_path / "file")


def test_a_manifest_that_everybody_can_write_is_not_read(put: Callable[..., Path]) -> None:
    folder = put(a_yaml=manifest("a"))
    (folder / "a.yaml").chmod(0o666)
    assert problems_of(folder) == ["a.yaml: names a file that every user of the machine can write; chmod o-w the file"]


def test_a_folder_has_bounds(put: Callable[..., Path]) -> None:
    many = "".join(f"---\n{HEAD}metadata: {{name: n{n}}}\nspec: {{expression: 'true'}}\n" for n in range(1001))
    folder = put(a_yaml=many)
    assert problems_of(folder) == [f"{folder}: holds more than 1000 manifests"]


def test_a_folder_has_a_number_of_files(tmp_path: Path) -> None:
    for number in range(MAX_FILES + 1):
        (tmp_path / f"{number}.yaml").write_text("---\n", encoding="utf-8")
    assert problems_of(tmp_path) == [f"{tmp_path}: holds more than 1000 files"]


@pytest.mark.parametrize(
    ("module", "problem"),
    [
        ("lark", "spec.expression (file a.yaml line 6): expression needs packages that are not installed"),
        ("cel_expr_python", "spec.expression (file a.yaml line 6): expression needs packages that are not installed"),
        ("yaml", "a.yaml: needs the extra yaml, which is not installed"),
    ],
)
def test_extras_that_are_missing_are_named(
    put: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, module: str, problem: str
) -> None:
    expression._engine.cache_clear()
    expr_lang._parser.cache_clear()
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "bearergate.config.yaml_file", raising=False)
    extra = "yaml" if module == "yaml" else "cel"
    assert problems_of(put(a_yaml=manifest("a"))) == [f"{problem}; install bearergate[{extra}]"]
