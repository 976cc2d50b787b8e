"""Basic credentials (RFC 7617): a pair, or what is wrong with the field."""

from __future__ import annotations

import base64

import pytest

from bearergate.core.basic import BasicFault, Credentials, basic_credentials, is_basic


def field(text: str | bytes, scheme: str = "Basic") -> str:
    raw = text.encode() if isinstance(text, str) else text
    return f"{scheme} {base64.b64encode(raw).decode()}"


# The example of RFC 7617 section 2.
def test_the_example_of_the_standard_is_read() -> None:
    assert basic_credentials(["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="]) == ("Aladdin", "open sesame")


@pytest.mark.parametrize("scheme", ["basic", "BASIC", "Basic  "])
def test_the_scheme_is_of_any_case_and_spaces_may_follow(scheme: str) -> None:
    assert basic_credentials([f" {field('a:b', scheme)}\t"]) == ("a", "b")


def test_a_password_may_hold_colons_and_letters_of_any_alphabet() -> None:
    assert basic_credentials([field("ä+b:ö:")]) == ("ä+b", "ö:")
    assert basic_credentials([field("a:")]) == ("a", "")
    assert basic_credentials([field(":b")]) == ("", "b")


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ([], BasicFault.MISSING),
        ([""], BasicFault.MISSING),
        (["  "], BasicFault.MISSING),
        ([field("a:b"), field("a:b")], BasicFault.OTHER_SCHEME),
        (["", field("a:b")], BasicFault.OTHER_SCHEME),
        (["Basic"], BasicFault.OTHER_SCHEME),
        (["Basic "], BasicFault.OTHER_SCHEME),
        (["Digest abc"], BasicFault.OTHER_SCHEME),
        ([field("a:b", "Basi c")], BasicFault.OTHER_SCHEME),
        (["(basic) x"], BasicFault.OTHER_SCHEME),
        (["Basic %%%"], BasicFault.UNREADABLE),
        (["Basic YTpi YTpi"], BasicFault.UNREADABLE),
        (["Basic YTpi="], BasicFault.UNREADABLE),
        (["Basic YTpi===="], BasicFault.UNREADABLE),
        (["Basic YTpi****"], BasicFault.UNREADABLE),
        (["Basic YTpi\x80"], BasicFault.UNREADABLE),
        ([field(b"a:\xff")], BasicFault.UNREADABLE),
        ([field("a\n:b")], BasicFault.UNREADABLE),
        ([field(f"a:{'b' * 20_000}")], BasicFault.UNREADABLE),
        ([field("ab")], BasicFault.NOT_A_PAIR),
    ],
)
def test_what_is_wrong_with_a_field_is_told(values: list[str], fault: BasicFault) -> None:
    assert basic_credentials(values) is fault


def test_the_password_is_not_printed() -> None:
    assert repr(Credentials("ann", "hush")) == "Credentials(username='ann')"


@pytest.mark.parametrize(
    ("values", "basic"),
    [
        (["Basic x"], True),
        (["basic"], True),
        ([" \tBasic x"], True),
        (["Bearer x"], False),
        ([], False),
        (["Basic x", "Basic x"], False),
    ],
)
def test_whether_a_field_is_of_this_scheme_is_seen_without_reading_it(values: list[str], basic: bool) -> None:
    assert is_basic(values) is basic
