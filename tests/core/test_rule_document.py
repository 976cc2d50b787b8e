"""Trust rules as tenants write them, and what is wrong with those that cannot be stored."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bearergate.core.rule_document import MAX_DOCUMENT, MAX_RULES, RuleProblem, read_rules, written_rules
from bearergate.core.trust import TrustRule

GOOD = {"issuer": "https://ci.test", "subject": "job"}


def raw(*entries: object) -> bytes:
    return json.dumps(list(entries)).encode()


def problem(document: bytes) -> str:
    with pytest.raises(RuleProblem) as caught:
        read_rules(document)
    return str(caught.value)


def test_rules_are_read_with_their_audiences_and_claims() -> None:
    full = {**GOOD, "audiences": ["a", "b", "a"], "claims": {"ref": "main", "repository_id": ["74", 74, True]}}
    assert read_rules(raw(full, {**GOOD, "subject": "other"})) == (
        TrustRule(
            issuer="https://ci.test",
            subject="job",
            audiences=("a", "b"),
            claims={"ref": ("main",), "repository_id": ("74", 74, True)},
        ),
        TrustRule(issuer="https://ci.test", subject="other"),
    )
    assert read_rules(b" [ ] ") == ()


def test_what_was_read_is_written_as_it_can_be_read_again() -> None:
    rules = read_rules(raw({**GOOD, "audiences": ["a"], "claims": {"ref": "main"}}, {**GOOD, "subject": "b"}))
    written = written_rules(rules)
    assert written == [
        {**GOOD, "audiences": ["a"], "claims": {"ref": ["main"]}},
        {"issuer": "https://ci.test", "subject": "b"},
    ]
    assert read_rules(json.dumps(written).encode()) == rules


def test_an_issuer_on_loopback_may_use_http() -> None:
    assert read_rules(raw({**GOOD, "issuer": "http://127.0.0.1:8080/a"}))[0].issuer == "http://127.0.0.1:8080/a"


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"issuer": "https://ci.test"},
        {"subject": "job"},
        {**GOOD, "issuer": ""},
        {**GOOD, "subject": ""},
        {**GOOD, "subject": " "},
        {**GOOD, "subject": None},
        {**GOOD, "subject": 5},
        {**GOOD, "issuer": ["https://ci.test"]},
    ],
)
def test_a_rule_without_issuer_or_subject_is_refused(entry: object) -> None:
    assert problem(raw(entry)) == "Missing one or more required fields (issuer, subject)"


@pytest.mark.parametrize("issuer", ["ci.test", "ftp://ci.test", "HTTPS://ci.test", "//ci.test", "javascript:x"])
def test_an_issuer_that_is_no_url_is_refused(issuer: str) -> None:
    assert problem(raw({**GOOD, "issuer": issuer})) == "Issuer must be a URL (http:// or https://)"


@pytest.mark.parametrize(
    ("issuer", "why"),
    [
        ("http://ci.test", "must use https"),
        ("http://127.0.0.1.evil.test", "must use https"),
        ("https://user@ci.test", "user name"),
        ("https://ci.test?x=1", "query"),
        ("https://ci.test#x", "fragment"),
        ("https://ci.test/\n", "printable"),
        ("https://*.ci.test", "wildcard"),
        ("https://", "host"),
    ],
)
def test_an_issuer_that_may_not_be_asked_is_refused(issuer: str, why: str) -> None:
    assert why in problem(raw({**GOOD, "issuer": issuer}))


def test_two_rules_for_one_subject_are_refused() -> None:
    assert problem(raw(GOOD, {**GOOD, "audiences": ["a"]})) == "Duplicate federation config entry"


def test_one_subject_of_two_issuers_is_two_rules() -> None:
    assert len(read_rules(raw(GOOD, {**GOOD, "issuer": "https://other.test"}))) == 2


def test_as_much_as_is_allowed_is_read() -> None:
    fifty = [f"a{n}" for n in range(50)]
    (rule,) = read_rules(raw({**GOOD, "audiences": fifty, "claims": dict.fromkeys(fifty, fifty)}))
    assert rule.audiences == tuple(fifty)
    assert dict(rule.claims) == dict.fromkeys(fifty, tuple(fifty))
    assert read_rules(b"[" + b" " * (MAX_DOCUMENT - 2) + b"]") == ()


@pytest.mark.parametrize(
    "entry",
    [
        {**GOOD, "x" * 200: 1},
        {**GOOD, "claims": {"x" * 200: None}},
        {**GOOD, "claims": {f"\n{'x' * 200}": 1}},
    ],
)
def test_a_problem_quotes_no_more_than_eighty_characters_of_a_name(entry: object) -> None:
    told = problem(raw(entry)).replace(r"\n", "x")
    assert "x" * 80 in told
    assert "x" * 81 not in told


def test_a_problem_has_no_cause_that_quotes_the_document() -> None:
    for document in (b"[", raw({**GOOD, "issuer": "http://ci.test"})):
        with pytest.raises(RuleProblem) as caught:
            read_rules(document)
        assert caught.value.__suppress_context__


def test_an_unknown_field_is_refused() -> None:
    assert "'audience'" in problem(raw({**GOOD, "audience": "a"}))


@pytest.mark.parametrize(
    "audiences", ["a", None, [""], [" "], [5], ["a\n"], {}, ["x" * 3000], [f"a{n}" for n in range(51)]]
)
def test_audiences_are_a_list_of_texts(audiences: Any) -> None:
    assert problem(raw({**GOOD, "audiences": audiences})).startswith("Audiences must be a list")


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ([], "must be an object"),
        (None, "must be an object"),
        ({f"c{n}": 1 for n in range(51)}, "must be an object"),
        ({"sub": "x"}, "cannot be named"),
        ({"aud": "x"}, "cannot be named"),
        ({"exp": 1}, "cannot be named"),
        ({" ": 1}, "cannot be named"),
        ({"a\n": 1}, "cannot be named"),
        ({"a": []}, "must be a string"),
        ({"a": None}, "must be a string"),
        ({"a": 1.5}, "must be a string"),
        ({"a": {"b": 1}}, "must be a string"),
        ({"a": [["b"]]}, "must be a string"),
        ({"a": ["good", 1.5]}, "must be a string"),
        ({"a": "b\0"}, "must be a string"),
        ({"a": list(range(51))}, "must be a string"),
    ],
)
def test_claims_are_compared_with_plain_values(claims: Any, why: str) -> None:
    assert why in problem(raw({**GOOD, "claims": claims}))


def test_a_long_subject_is_refused() -> None:
    assert problem(raw({**GOOD, "subject": "x" * 3000})).startswith("Subject")


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"{}",
        b"null",
        b"[1]",
        b"[[]]",
        b"[",
        b"[] []",
        b"\xff",
        b'[],"entries":[]',
        b'[],"more":[]',
        b'[]}{"a":[]',
        b'[{"issuer": "https://a.test", "issuer": "https://b.test", "subject": "x"}]',
    ],
)
def test_what_is_no_list_of_objects_is_refused(document: bytes) -> None:
    assert problem(document) == "Expected a list of federation config entries"


def test_there_are_not_too_many_rules() -> None:
    many = [{**GOOD, "subject": f"job-{n}"} for n in range(MAX_RULES + 1)]
    assert len(read_rules(raw(*many[1:]))) == MAX_RULES
    assert problem(raw(*many)).startswith("More than 100")
    assert problem(b"[" + b" " * MAX_DOCUMENT + b"]").startswith("More than 262144")
