"""Files with problems: on which lines these are, and files that cannot be parsed, cannot be read or hold nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from bearergate.config import from_file
from tests.config.configurations import ISSUER, problems_of, refusal_of, written

FAULTS: list[tuple[str, str, list[tuple[str, int]]]] = [
    (
        "gate.yaml",
        (
            f"issuers:\n  - issuer: {ISSUER}\n    audiences: [api,\n      1]\n    leeway: true\n"
            "    allowd_clients: [a]\n    machine_clients: {mode: on}\n"
        ),
        [("allowd_clients", 6), ("leeway", 5), ("audiences", 3), ("machine_clients.mode", 7)],
    ),
    (
        "gate.toml",
        (
            f'[[issuers]]\nissuer = "{ISSUER}"\naudiences = ["api",\n  1]\nleeway = true\nallowd_clients = ["a"]\n'
            "[issuers.machine_clients]\nmode = 'on'\n"
        ),
        [("allowd_clients", 6), ("leeway", 5), ("audiences", 3), ("machine_clients.mode", 8)],
    ),
]


@pytest.mark.parametrize(("name", "text", "expected"), FAULTS)
def test_every_problem_of_a_file_tells_its_line(
    tmp_path: Path, name: str, text: str, expected: list[tuple[str, int]]
) -> None:
    path = written(tmp_path, name, text)
    error = refusal_of(from_file, path)
    assert [(problem.path, problem.origin) for problem in error.problems] == [
        (f"issuers[0].{key}", f"file {path} line {line}") for key, line in expected
    ]
    assert "allowd_clients: did you mean allowed_clients?" in str(error)


def test_a_file_whose_name_says_the_other_format_is_told_so(tmp_path: Path) -> None:
    yaml = f"issuers:\n  - issuer: {ISSUER}\n    audiences: [api]\n"
    toml = f'[[issuers]]\nissuer = "{ISSUER}"\naudiences = ["api"]\n'
    assert str(refusal_of(from_file, written(tmp_path, "gate.toml", yaml))).endswith(
        "; name the file .yaml: it looks like YAML"
    )
    assert str(refusal_of(from_file, written(tmp_path, "gate.yaml", toml))).endswith(
        "; name the file .toml: it looks like TOML"
    )


UNUSABLE: list[tuple[str, str, str, int]] = [
    ("gate.yaml", "issuers: [", "the file is not valid YAML: expected the node content, but found '<stream end>'", 1),
    ("gate.yaml", "a: 1\n---\nb: 2\n", "the file is not valid YAML: but found another document", 2),
    ("gate.yaml", "a: \x01", "the file is not valid YAML: it holds characters that YAML does not allow", 0),
    ("gate.yaml", "a: 1\nb: 2\na: 3\n", "the key a is there twice in one mapping", 3),
    ("gate.yaml", "1: a\n", "keys must be strings; merge keys (<<) are not supported", 1),
    ("gate.yaml", "? [a]\n: b\n", "keys must be strings; merge keys (<<) are not supported", 1),
    ("gate.yaml", "a: &a {b: c}\nd:\n  <<: *a\n", "keys must be strings; merge keys (<<) are not supported", 3),
    ("gate.yaml", "a: !!set {b}\n", "tagged mappings and lists are not supported", 1),
    (
        "gate.yaml",
        "a: !!python/object:os.system x\n",
        (
            "the file is not valid YAML: could not determine a constructor "
            "for the tag 'tag:yaml.org,2002:python/object:os.system'"
        ),
        1,
    ),
    ("gate.yaml", "a: 2026-99-99\n", "the file holds a value that cannot be read, such as an impossible date", 1),
    ("gate.yaml", "a: &a [*a]\n", "the file holds too many values, or an alias that holds itself", 1),
    (
        "gate.yaml",
        "a: &a [1,1,1,1,1,1,1,1,1]\n"
        + "".join(
            f"{new}: &{new} [*{old},*{old},*{old},*{old},*{old},*{old},*{old},*{old}]\n"
            for old, new in zip("abcde", "bcdef", strict=True)
        ),
        "the file holds too many values, or an alias that holds itself",
        1,
    ),
    ("gate.yaml", "[" * 5000, "the file is nested too deeply", 0),
    ("gate.toml", "a = " + "[" * 5000, "the file is nested too deeply", 0),
    ("gate.toml", "a = 1\na = 2\n", "the file is not valid TOML: Cannot overwrite a value (at line 2, column 6)", 2),
    ("gate.toml", "a = ", "the file is not valid TOML: Invalid value (at end of document)", 0),
]


@pytest.mark.parametrize(("name", "text", "sentence", "line"), UNUSABLE)
def test_a_file_that_cannot_be_parsed_is_one_problem(
    tmp_path: Path, name: str, text: str, sentence: str, line: int
) -> None:
    path = written(tmp_path, name, text)
    (problem,) = refusal_of(from_file, path).problems
    assert (problem.path, problem.problem) == (str(path), sentence)
    assert problem.origin == (f"file {path} line {line}" if line else f"file {path}")


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("gate.json", b"{}", "the file has an unknown extension; name it .yaml, .yml or .toml"),
        ("gate", b"", "the file has an unknown extension; name it .yaml, .yml or .toml"),
        ("gate.toml", b"\xff", "the file is not UTF-8 text; save it as UTF-8"),
        ("gate.toml", None, "the file cannot be read: No such file or directory; name a readable file"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_problem(
    tmp_path: Path, name: str, content: bytes | None, expected: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    assert problems_of(from_file, path) == [(str(path), expected)]


def test_a_path_that_is_none_is_one_problem() -> None:
    assert problems_of(from_file, "a\0.toml") == [
        ("a\0.toml", "the file cannot be read: not a usable path; name a readable file")
    ]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "gate.yaml",
            "",
            (None, "the file must be a mapping with the key issuers, got null; write the key issuers at the top"),
        ),
        (
            "gate.yaml",
            "- a\n",
            (None, "the file must be a mapping with the key issuers, got list; write the key issuers at the top"),
        ),
        ("gate.toml", "", ("issuers", "no issuer is configured; list at least one trusted issuer under issuers")),
    ],
)
def test_a_file_without_content_is_one_problem(
    tmp_path: Path, name: str, text: str, expected: tuple[str | None, str]
) -> None:
    path = written(tmp_path, name, text)
    where, sentence = expected
    assert problems_of(from_file, path) == [(where or str(path), sentence)]
