"""Which requests pass without a token: exempt and optional paths, preflights, and nothing that only looks like them."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from bearergate.core.admission import Admission, RequestFacts
from bearergate.core.errors import AuthenticationRequired, ConfigError, InvalidRequest

BEARER = ("Bearer abc",)


def request(
    path: str = "/", *, method: str = "GET", authorization: tuple[str, ...] = (), is_cors: bool = False
) -> RequestFacts:
    return RequestFacts(method=method, path=path, authorization=authorization, is_cors=is_cors)


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/", "/", True),
        ("/", "/a", False),
        ("/health", "/health", True),
        ("/health", "/health/", False),
        ("/health", "/healthz", False),
        ("/health", "/a/health", False),
        ("/health", "/Health", False),
        ("/a.b", "/axb", False),
        ("/a/*", "/a/b", True),
        ("/a/*", "/a/", False),
        ("/a/*", "/a/b/c", False),
        ("/a/*/c", "/a/b/c", True),
        ("/a/*/c", "/a/b/d/c", False),
        ("/*", "/a", True),
        ("/*", "/", False),
        ("/a/**", "/a", True),
        ("/a/**", "/a/", True),
        ("/a/**", "/a/b/c", True),
        ("/a/**", "/ab", False),
        ("/a/*/**", "/a/b", True),
        ("/a/*/**", "/a", False),
        ("/**", "/", True),
        ("/**", "/anything/at/all", True),
        ("/**", "", True),
        ("/**", "*", False),
        ("/ä", "/ä", True),
        # What cannot be told from a trick is never exempt.
        ("/a/**", "/a//b", False),
        ("/a/**", "//a/b", False),
        ("/a/**", "/a/./b", False),
        ("/a/**", "/a/../b", False),
        ("/a/**", "/a/..", False),
        ("/a/**", "/a/.", False),
        ("/a/**", "/a\\b", False),
        ("/a/**", "/a/b;c", False),
        ("/a/**", "/a/%2e%2e/b", False),
        ("/a/**", "/a/b\x00", False),
        ("/a/**", "/a/b\n", False),
        ("/a/**", "/a/b\x85", False),
        ("/a/**", "/a/..b/c.", True),
    ],
)
def test_a_path_is_matched_exactly_by_segment_or_by_subtree(pattern: str, path: str, matches: bool) -> None:
    assert Admission(exempt=[pattern]).is_exempt(request(path)) is matches


def test_an_exempt_request_needs_no_token_and_shows_none() -> None:
    admission = Admission(exempt=["/health"])
    assert admission.token(request("/health")) is None
    assert admission.token(request("/health", authorization=("Bearer a b",))) is None
    with pytest.raises(AuthenticationRequired):
        admission.token(request("/other"))


def test_any_other_request_shows_its_token() -> None:
    assert Admission().token(request(authorization=BEARER)) == "abc"


def test_optional_means_missing_and_never_bad() -> None:
    admission = Admission(optional=["/maybe"])
    assert admission.token(request("/maybe")) is None
    assert admission.token(request("/maybe", authorization=("Basic YTpi",))) is None
    assert admission.token(request("/maybe", authorization=BEARER)) == "abc"
    with pytest.raises(InvalidRequest):
        admission.token(request("/maybe", authorization=("Bearer",)))
    with pytest.raises(AuthenticationRequired):
        admission.token(request("/maybe/not"))


PREFLIGHT = request(method="OPTIONS", is_cors=True)


def test_a_preflight_passes_anonymously() -> None:
    assert Admission().is_exempt(PREFLIGHT)
    assert Admission().token(PREFLIGHT) is None


@pytest.mark.parametrize(
    "facts",
    [
        request(method="OPTIONS"),
        request(method="GET", is_cors=True),
        request(method="options", is_cors=True),
        request(method="OPTIONS", is_cors=True, authorization=BEARER),
        request(method="OPTIONS", is_cors=True, authorization=("",)),
    ],
)
def test_any_other_options_request_is_an_ordinary_one(facts: RequestFacts) -> None:
    assert not Admission().is_exempt(facts)


def test_preflights_can_be_held_up() -> None:
    admission = Admission(allow_preflight=False)
    with pytest.raises(AuthenticationRequired):
        admission.token(PREFLIGHT)


@pytest.mark.parametrize(
    ("patterns", "problem"),
    [
        (["health"], "exempt[0]: must be a path"),
        ([""], "exempt[0]: must be a path"),
        (["/ok", "/a//b"], "exempt[1]: can never match"),
        (["/a/../b"], "exempt[0]: can never match"),
        (["/a%20b"], "exempt[0]: can never match"),
        (["/a;b"], "exempt[0]: can never match"),
        (["/a*"], "exempt[0]: * must be a whole segment"),
        (["/**/a"], "exempt[0]: * must be a whole segment"),
        (["/a/***"], "exempt[0]: * must be a whole segment"),
        ("/health", "exempt: must be a list of paths, got str"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_a_fault_of_the_configuration(patterns: Iterable[str], problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Admission(exempt=patterns)
    assert problem in str(caught.value)


def test_every_bad_pattern_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        Admission(optional=["a", "/b", "c"])
    assert [problem.path for problem in caught.value.problems] == ["optional[0]", "optional[2]"]


def test_a_refusal_is_answered_in_the_realm() -> None:
    admission = Admission(realm="shop")
    with pytest.raises(AuthenticationRequired) as caught:
        admission.token(request())
    assert dict(admission.answer(caught.value).headers)["WWW-Authenticate"] == 'Bearer realm="shop"'
    with pytest.raises(ConfigError):
        Admission(realm='a"')
