"""A principal is a frozen value: what is derived late cannot be told from what was there from the start."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import pytest

from bearergate.core.policy import GroupsFrom
from bearergate.core.principal import Principal
from bearergate.core.reasons import Reason
from tests.core.judging import ISSUER, judge, under
from tests.core.people import principal

CLAIMS: dict[str, Any] = {
    "sub": "ada",
    "groups": ["staff", "client:robot"],
    "scope": "read write",
    "act": {"sub": "robot", "act": {"sub": "first"}},
    "nested": {"list": [1, {"deep": [None, True]}], "text": "x"},
}
TOKEN = ISSUER.mint(CLAIMS)
WAYS: dict[str, Callable[[Principal], Principal]] = {
    "copied": copy.copy,
    "copied deeply": copy.deepcopy,
    "replaced": dataclasses.replace,
    **{f"pickled by protocol {n}": lambda p, n=n: pickle.loads(pickle.dumps(p, n)) for n in range(6)},  # type: ignore[misc]
}


def late() -> Principal:
    """A principal of which nothing was asked yet."""
    return judge(TOKEN, under(groups=GroupsFrom(prefix="g-")))


def eager() -> Principal:
    """The same values, given to the constructor."""
    person = late()
    return Principal(**{field.name: getattr(person, field.name) for field in dataclasses.fields(person)})


def test_what_is_derived_late_is_what_the_claims_say() -> None:
    person = late()
    assert person.groups == ("g-staff",)
    assert person.groups_problem is Reason.RESERVED_GROUP
    assert person.claims["nested"] == {"list": (1, {"deep": (None, True)}), "text": "x"}
    assert set(person.claims) >= {"iss", "sub", "aud", "exp", "iat", "jti", "groups"}


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Principal)])
def test_any_field_may_be_the_first_that_is_read(name: str) -> None:
    assert getattr(late(), name) == getattr(eager(), name)


def test_it_equals_and_looks_and_hashes_like_one_that_was_made_at_once() -> None:
    assert late() == eager()
    assert eager() == late()
    assert hash(late()) == hash(eager())
    assert repr(late()) == repr(eager())
    assert len({late(), eager()}) == 1
    assert late() != dataclasses.replace(eager(), groups=())


def test_its_text_holds_no_claims_and_nothing_of_how_it_is_made() -> None:
    text = repr(late())
    assert "claims=" not in text
    assert "_later" not in text
    assert "nested" not in text


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("is_derived", [False, True], ids=["before anything was read", "after"])
def test_a_copy_is_as_good(way: str, *, is_derived: bool) -> None:
    person = late()
    if is_derived:
        _ = person.groups
    again = WAYS[way](person)
    assert again == eager()
    assert hash(again) == hash(eager())
    assert vars(again).keys() == vars(eager()).keys()
    assert type(again.claims) is MappingProxyType
    assert type(again.claims["nested"]) is MappingProxyType


@pytest.mark.parametrize("way", WAYS)
def test_a_copy_is_as_frozen(way: str) -> None:
    is_frozen(WAYS[way](late()))


def test_it_is_frozen_before_and_after_it_is_read() -> None:
    person = late()
    for _ in range(2):
        is_frozen(person)
        assert person == eager()


def is_frozen(person: Principal) -> None:
    for name in (*(field.name for field in dataclasses.fields(Principal)), "new", "_later"):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(person, name, "x")
        with pytest.raises(dataclasses.FrozenInstanceError):
            delattr(person, name)
    claims: Any = person.claims
    nested = claims["nested"]
    for mapping in (claims, nested, nested["list"][1]):
        with pytest.raises(TypeError):
            mapping["x"] = 1
        with pytest.raises(TypeError):
            del mapping["sub"]
    with pytest.raises(TypeError):
        nested["list"][0] = 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        person.actor.subject = "x"  # type: ignore[misc, union-attr]


def test_no_part_of_the_token_is_kept() -> None:
    person = late()
    header, payload, signature = TOKEN.split(".")
    for kept in (repr(vars(person)), str(pickle.dumps(person)), repr(vars(person))):
        assert not any(part[:24] in kept for part in (header, payload, signature))


def test_a_name_that_is_no_field_is_missing_as_on_any_object() -> None:
    for person in (late(), eager()):
        with pytest.raises(AttributeError, match=r"^'Principal' object has no attribute 'group'"):
            _ = person.group  # type: ignore[attr-defined]
        assert not hasattr(person, "_private")
        assert not hasattr(person, "__len__")


def test_without_a_problem_there_is_none() -> None:
    assert principal().groups_problem is None
    assert judge(ISSUER.mint(groups=["staff"])).groups_problem is None


WHOLE: Principal = eager()
READS: tuple[Callable[[Principal], object], ...] = (
    lambda person: person.groups,
    lambda person: person.groups_problem,
    lambda person: person.claims,
    hash,
    repr,
    copy.copy,
    lambda person: pickle.loads(pickle.dumps(person)),
    lambda person: person == WHOLE,
)


@contextmanager
def hasty_threads() -> Iterator[None]:
    """Threads take turns after a few instructions each. Not while they start: a tracer cannot be set by two at once."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def test_two_threads_may_derive_at_the_same_moment() -> None:
    whole = dict(vars(WHOLE))
    derived = {name: whole.pop(name) for name in ("groups", "groups_problem", "claims")}
    both = threading.Barrier(2)

    def derive() -> dict[str, Any]:
        both.wait(20)
        return derived

    person = Principal.proven(whole, derive)
    with ThreadPoolExecutor(2) as pool:
        groups, claims = pool.submit(lambda: person.groups), pool.submit(lambda: person.claims)
        assert (groups.result(20), claims.result(20)) == (WHOLE.groups, WHOLE.claims)
    assert vars(person) == vars(WHOLE)


def test_threads_that_read_it_at_the_same_moment_read_the_same() -> None:
    expected = [read(WHOLE) for read in READS]
    people = [late() for _ in range(150)]
    started, start = threading.Barrier(len(READS) + 1), threading.Barrier(len(READS))
    wrong: list[object] = []

    def reader(index: int) -> None:
        started.wait(20)
        for person in people:
            start.wait(20)
            try:
                found = READS[index](person)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is told
                found = error
            if found != expected[index]:
                wrong.append(found)

    threads = [threading.Thread(target=reader, args=(index,)) for index in range(len(READS))]
    for thread in threads:
        thread.start()
    started.wait(20)
    with hasty_threads():
        for thread in threads:
            thread.join(40)
    assert wrong == []
    assert all(vars(person).keys() == vars(WHOLE).keys() for person in people)
