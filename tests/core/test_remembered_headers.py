"""A header that was proven once is not read again; that spares time, and nothing else of it can be noticed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bearergate.core.claims import Json
from bearergate.core.encoding import NotStrict
from bearergate.core.errors import BadSignature, HeaderRejected, MalformedToken, Refusal
from bearergate.core.fast_encoding import PLAIN, Codec
from bearergate.core.reasons import Reason
from bearergate.core.validation import Validation
from bearergate.testing import FakeIssuer
from tests.core.judging import NOW, POLICY, keys_of, under

ISSUER = FakeIssuer(POLICY.issuer, alg="EdDSA", clock=lambda: NOW, audience="api")
KEYS = keys_of(ISSUER)
ENOUGH = 1024
"""Headers that are remembered at a time."""


class Reader:
    """Decodes as the standard library's codec does, and counts the segments and objects."""

    def __init__(self) -> None:
        self.segments = self.objects = 0
        self.codec = Codec(self._segment, self._object)

    def _segment(self, text: str) -> bytes:
        self.segments += 1
        return PLAIN.decode_base64url(text)

    def _object(self, raw: bytes) -> dict[str, Json]:
        self.objects += 1
        return PLAIN.decode_json_object(raw)

    def during(self, act: Callable[[], object]) -> tuple[int, int]:
        before = (self.segments, self.objects)
        act()
        return self.segments - before[0], self.objects - before[1]


WHOLE, WITHOUT_HEADER = (3, 2), (2, 1)


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def validation(reader: Reader) -> Validation:
    return Validation([POLICY], codec=reader.codec)


def judge(validation: Validation, token: str) -> str:
    unverified, policy = validation.begin(token)
    return validation.finish(unverified, policy, KEYS, NOW).subject


def refused(validation: Validation, token: str) -> Refusal:
    with pytest.raises(Refusal) as caught:
        judge(validation, token)
    return caught.value


def numbered(n: int) -> str:
    return ISSUER.mint(header={"n": n})


def test_segments_are_decoded_by_the_codec_that_was_given() -> None:
    def nothing(_: str) -> bytes:
        raise NotStrict("nothing is good enough")

    with pytest.raises(MalformedToken):
        Validation([POLICY], codec=Codec(nothing, PLAIN.decode_json_object)).begin(ISSUER.mint())


def test_the_header_of_a_proven_token_is_not_read_again(reader: Reader, validation: Validation) -> None:
    assert reader.during(lambda: judge(validation, ISSUER.mint())) == WHOLE
    assert reader.during(lambda: judge(validation, ISSUER.mint(sub="ada"))) == WITHOUT_HEADER
    assert judge(validation, ISSUER.mint(sub="eve")) == "eve"


def test_the_header_of_a_token_that_was_not_proven_is_not_remembered(reader: Reader, validation: Validation) -> None:
    for token in (ISSUER.forge(), ISSUER.mint(exp=1), ISSUER.mint(aud="x"), ISSUER.mint(iss="https://x.test")):
        assert reader.during(lambda token=token: refused(validation, token)) == WHOLE  # type: ignore[misc]
    assert reader.during(lambda: judge(validation, ISSUER.mint())) == WHOLE


def test_a_known_header_vouches_for_nothing_but_itself(validation: Validation) -> None:
    header, payload, signature = ISSUER.mint().split(".")
    judge(validation, f"{header}.{payload}.{signature}")
    assert refused(validation, ISSUER.forge()).reason is Reason.SIGNATURE_INVALID
    assert refused(validation, f"{header}.{payload}.").reason is Reason.SIGNATURE_INVALID
    assert refused(validation, f"{header}.{payload}=.{signature}").reason is Reason.MALFORMED_TOKEN
    assert refused(validation, f"{header}.e30.{signature}").reason is Reason.ISSUER_MISSING
    assert refused(validation, ISSUER.mint(exp=NOW - 31)).reason is Reason.EXPIRED


def test_a_known_header_is_judged_by_the_policy_of_each_issuer() -> None:
    other = under(issuer="https://other.test", algorithms=("RS256",))
    validation = Validation([POLICY, other])
    judge(validation, ISSUER.mint())
    with pytest.raises(HeaderRejected) as caught:
        validation.begin(ISSUER.mint(iss="https://other.test"))
    assert caught.value.reason is Reason.ALG_NOT_ALLOWED


def test_headers_are_remembered_beside_each_other_up_to_a_bound(reader: Reader, validation: Validation) -> None:
    for n in range(ENOUGH):
        judge(validation, numbered(n))
    assert {reader.during(lambda n=n: judge(validation, numbered(n))) for n in (0, 1, ENOUGH - 1)} == {WITHOUT_HEADER}  # type: ignore[misc]
    # One more is one too many: all are forgotten, and it is the first to be remembered again.
    judge(validation, numbered(ENOUGH))
    assert reader.during(lambda: judge(validation, numbered(ENOUGH))) == WITHOUT_HEADER
    assert reader.during(lambda: judge(validation, numbered(0))) == WHOLE
    assert reader.during(lambda: judge(validation, numbered(0))) == WITHOUT_HEADER


def test_a_forged_token_under_a_known_header_is_forged_at_every_turn(validation: Validation) -> None:
    for _ in range(3):
        judge(validation, ISSUER.mint())
        with pytest.raises(BadSignature):
            judge(validation, ISSUER.forge())
