"""What is kept of robots, in both databases; one behaviour."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

import bearergate.registry.store
from bearergate import ConfigError
from bearergate.core.robots import RobotName
from bearergate.core.trust import TrustRule
from bearergate.registry.store import (
    MAX_ISSUERS,
    RobotStore,
    StoreUnavailable,
    TooManyIssuers,
    TooManyRobots,
    check_database_url,
)
from integrations.docker_registry.postgres import RunningPostgres

CI = RobotName("acme", "ci")
RULE = TrustRule(
    issuer="https://ci.test",
    subject="repo:acme/app:ref:refs/heads/main — ünïcode \U0001f680",
    audiences=("b", "a"),
    claims={"repository_id": ("74", 74, True), "ref": ("main",)},
)
OTHER = TrustRule(issuer="https://ci.test", subject="other")


def test_a_robot_that_nobody_created_is_not_known(store: RobotStore) -> None:
    assert store.rules_of(CI) is None
    assert store.replace_rules(CI, [RULE]) is False
    assert store.remove_robot(CI) is False
    assert store.rules_of(CI) is None


def test_rules_come_back_as_they_were_and_in_their_order(store: RobotStore) -> None:
    assert store.add_robot(CI)
    assert store.rules_of(CI) == ()
    assert store.replace_rules(CI, [OTHER, RULE])
    kept = store.rules_of(CI)
    assert kept == (OTHER, RULE)
    assert [type(value) for value in kept[1].claims["repository_id"]] == [str, int, bool]


def test_new_rules_take_the_place_of_all_the_old_ones(store: RobotStore) -> None:
    store.add_robot(CI)
    store.replace_rules(CI, [RULE, OTHER])
    store.replace_rules(CI, [OTHER])
    assert store.rules_of(CI) == (OTHER,)
    store.replace_rules(CI, [])
    assert store.rules_of(CI) == ()


def test_a_robot_is_created_once_and_keeps_its_rules(store: RobotStore) -> None:
    assert store.add_robot(CI)
    store.replace_rules(CI, [RULE])
    assert not store.add_robot(CI)
    assert store.rules_of(CI) == (RULE,)


def test_a_robot_goes_with_its_rules_and_comes_back_without(store: RobotStore) -> None:
    store.add_robot(CI)
    store.replace_rules(CI, [RULE])
    assert store.remove_robot(CI)
    assert store.rules_of(CI) is None
    assert store.add_robot(CI)
    assert store.rules_of(CI) == ()


def test_robots_of_other_names_and_namespaces_are_left_alone(store: RobotStore) -> None:
    for name in (CI, RobotName("acme", "deploy"), RobotName("acme-2", "ci")):
        store.add_robot(name)
        store.replace_rules(name, [TrustRule(issuer="https://ci.test", subject=str(name))])
    store.remove_robot(CI)
    assert store.robots_of("acme") == (RobotName("acme", "deploy"),)
    assert store.robots_of("acme-2") == (RobotName("acme-2", "ci"),)
    assert store.robots_of("nobody") == ()
    kept = store.rules_of(RobotName("acme-2", "ci"))
    assert kept is not None
    assert [rule.subject for rule in kept] == ["acme-2+ci"]


def test_a_namespace_has_not_too_many_robots(store: RobotStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bearergate.registry.store, "MAX_ROBOTS", 2)
    store.add_robot(CI)
    store.add_robot(RobotName("acme", "b"))
    assert not store.add_robot(CI)
    with pytest.raises(TooManyRobots):
        store.add_robot(RobotName("acme", "c"))
    assert store.add_robot(RobotName("other", "c"))


def test_a_namespace_trusts_not_too_many_issuers(store: RobotStore) -> None:
    other, more = RobotName("acme", "other"), RobotName("acme-2", "ci")
    for robot in (CI, other, more):
        store.add_robot(robot)
    rules = [replace(OTHER, issuer=f"https://{number}.test") for number in range(MAX_ISSUERS)]
    assert store.replace_rules(CI, rules)
    # Issuers are counted once, whoever trusts them, and those of other namespaces not at all.
    assert store.replace_rules(other, rules[1:3])
    assert store.replace_rules(more, [RULE])
    with pytest.raises(TooManyIssuers):
        store.replace_rules(other, [RULE])
    assert store.rules_of(other) == tuple(rules[1:3])
    assert store.replace_rules(other, [])
    assert store.replace_rules(CI, [*rules[1:], RULE])
    assert store.replace_rules(other, [RULE])


def test_what_was_stored_is_there_after_a_restart(database: str) -> None:
    first = RobotStore(database)
    first.prepare()
    first.add_robot(CI)
    first.replace_rules(CI, [RULE])
    first.close()
    second = RobotStore(database)
    second.prepare()
    assert second.rules_of(CI) == (RULE,)
    second.close()


def at_once(count: int, act: Callable[[int], object]) -> list[object]:
    start = threading.Barrier(count)

    def run(number: int) -> object:
        start.wait(30)
        return act(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_several_processes_may_prepare_one_database_at_once(database: str) -> None:
    stores = [RobotStore(database) for _ in range(6)]
    at_once(6, lambda number: stores[number].prepare())
    assert stores[0].add_robot(CI)
    for store in stores:
        store.close()


def test_of_many_who_create_one_robot_one_does(store: RobotStore) -> None:
    created = at_once(6, lambda _: store.add_robot(CI))
    assert sorted(map(bool, created)) == [False] * 5 + [True]


def test_rules_that_are_replaced_at_once_are_never_mixed(store: RobotStore) -> None:
    store.add_robot(CI)

    def rules(writer: int) -> list[TrustRule]:
        return [TrustRule(issuer="https://ci.test", subject=f"{writer}-{n}") for n in range(10)]

    seen: list[tuple[TrustRule, ...] | None] = []

    def act(number: int) -> None:
        for _ in range(5):
            store.replace_rules(CI, rules(number))
            seen.append(store.rules_of(CI))

    at_once(4, act)
    assert len(seen) == 20
    for each in seen:
        assert each is not None
        assert list(each) in [rules(number) for number in range(4)]


def test_a_database_in_memory_is_one_for_all_threads() -> None:
    store = RobotStore("sqlite://")
    store.prepare()
    at_once(4, lambda number: store.add_robot(RobotName("acme", f"r{number}")))
    assert len(store.robots_of("acme")) == 4
    store.close()


def test_a_database_that_is_gone_is_told_without_its_url(postgres: RunningPostgres) -> None:
    store = RobotStore(postgres.url)
    store.prepare()
    store.add_robot(CI)
    with postgres.stopped():
        for _ in range(2):
            with pytest.raises(StoreUnavailable) as caught:
                store.rules_of(CI)
            assert postgres.password not in str(caught.value)
            assert str(postgres.port) not in str(caught.value)
            assert caught.value.__cause__ is None
    # And is used again when it is back.
    assert store.rules_of(CI) == ()
    store.close()


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("postgresql://u:p@h/d", "postgresql+psycopg"),
        ("postgres://u:p@h/d", "postgresql+psycopg"),
        ("postgresql+psycopg://u:p@h/d", "postgresql+psycopg"),
        ("sqlite:///robots.sqlite3", "sqlite"),
        ("sqlite://", "sqlite"),
    ],
)
def test_a_url_says_which_database_it_is(url: str, driver: str) -> None:
    assert check_database_url(url).drivername == driver


@pytest.mark.parametrize(
    "url",
    [
        "",
        "robots.sqlite3",
        "mysql://u:hush@h/d",
        "sqlite://host/file",
        "postgresql//u:hush",
        "postgresql://u:hush@h:p/d",
    ],
)
def test_a_url_that_cannot_be_used_is_not_quoted(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        RobotStore(url)
    assert "hush" not in str(caught.value)
