"""`registry:` of a configuration: what it means, what is wrong with it, and what is never quoted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bearergate import Settings
from bearergate.cli.effective import effective
from bearergate.config import from_dict, from_file, from_mapping
from bearergate.core.registry_policy import RegistryPolicy
from tests.config.configurations import problems_of, refusal_of

ISSUERS = [{"issuer": "https://people.test", "audiences": ["api"]}]
BINDINGS = [{"name": "all", "expression": "true", "grants": {"repository:pull": ["*"]}}]
GOOD = {"issuer": "https://registry.test", "service": "registry.test"}
SECRET = "hush-hush"


def schema(top: dict[str, Any] | None = None, **registry: Any) -> dict[str, Any]:
    return {"issuers": ISSUERS, "bindings": BINDINGS, "registry": {**GOOD, **registry}, **(top or {})}


def read(top: dict[str, Any] | None = None, **registry: Any) -> RegistryPolicy:
    policy = from_dict(schema(top, **registry)).registry
    assert policy is not None
    return policy


def test_without_the_section_there_is_no_registry() -> None:
    assert from_dict({"issuers": ISSUERS}).registry is None


def test_two_names_are_enough() -> None:
    assert read() == RegistryPolicy(
        issuer="https://registry.test", service="registry.test", database="sqlite:///robots.sqlite3"
    )


def test_every_key_is_read() -> None:
    policy = read(
        database="postgresql://u:p@h/d", keys="keys", publish="out", rotate_days=7, allow_private_issuers=True
    )
    assert (policy.database, policy.key_folder, policy.publish_folder) == ("postgresql://u:p@h/d", "keys", "out")
    assert (policy.key_period, policy.allow_private_issuers) == (7 * 86400.0, True)


def test_relative_paths_start_at_the_folder_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "registry.toml"
    file.write_text(
        '[[issuers]]\nissuer = "https://people.test"\naudiences = ["api"]\n'
        '[[bindings]]\nname = "all"\nexpression = "true"\ngrants = { "repository:pull" = ["*"] }\n'
        '[registry]\nissuer = "https://registry.test"\nservice = "registry.test"\nkeys = "keys"\n'
        'database = "sqlite:///data/robots"\n',
        encoding="utf-8",
    )
    policy = from_file(file).registry
    assert policy is not None
    assert policy.database == f"sqlite:///{tmp_path}/data/robots"
    assert policy.key_folder == str(tmp_path / "keys")
    beside = file.read_text().replace('database = "sqlite:///data/robots"\n', "")
    file.write_text(beside)
    told = from_file(file, environment={"BEARERGATE_REGISTRY_DATABASE": f"postgres://u:{SECRET}@h/d"})
    assert told.registry is not None
    assert told.registry.database == f"postgres://u:{SECRET}@h/d"
    assert told.origin("registry.database") == "environment BEARERGATE_REGISTRY_DATABASE"
    assert SECRET not in repr(told)


def test_the_url_of_the_database_may_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text(f"postgresql://u:{SECRET}@h/d\n")
    assert read(database_file=str(tmp_path / "url")).database == f"postgresql://u:{SECRET}@h/d"


@pytest.mark.parametrize(
    ("changes", "path", "sentence"),
    [
        ({"issuer": None}, "registry.issuer", "must be a string"),
        ({"issuer": "http://registry.test"}, "registry.issuer", "must use https"),
        ({"issuer": "https://people.test"}, "registry.issuer", "whose tokens are let in"),
        ({"service": ""}, "registry.service", "must not be empty"),
        ({"service": 'a"b'}, "registry.service", "printable ASCII"),
        ({"database": "mysql://h/d"}, "registry.database", "no database that can be used"),
        ({"database": 5}, "registry.database", "must be a string"),
        ({"database": "sqlite:///a", "database_file": "b"}, "registry.database_file", "cannot be used beside"),
        ({"database_file": "nowhere"}, "registry.database_file", "cannot be read"),
        ({"rotate_days": 0.5}, "registry.rotate_days", "between 1 and 3650"),
        ({"keys": 5}, "registry.keys", "must be a string"),
        ({"allow_private_issuers": "false"}, "registry.allow_private_issuers", "true or false"),
        ({"servce": "x"}, "registry.servce", "did you mean service?"),
    ],
)
def test_a_faulty_setting_is_the_one_problem(changes: dict[str, Any], path: str, sentence: str) -> None:
    ((found, problem),) = problems_of(from_dict, schema(**changes))
    assert (found, sentence in problem) == (path, True)


@pytest.mark.parametrize("missing", ["issuer", "service"])
def test_both_names_are_mandatory(missing: str) -> None:
    given = {key: value for key, value in GOOD.items() if key != missing}
    ((path, problem),) = problems_of(from_dict, {**schema(), "registry": given})
    assert (path, f"must name its {missing}" in problem) == ("registry", True)


def test_a_registry_without_bindings_grants_nothing_and_does_not_start() -> None:
    ((path, problem),) = problems_of(from_dict, {"issuers": ISSUERS, "registry": GOOD})
    assert (path, "without bindings" in problem) == ("registry", True)


def test_no_problem_quotes_the_url(tmp_path: Path) -> None:
    (tmp_path / "url").write_text(f"mysql://u:{SECRET}@h/d")
    for key, value in (("database", f"mysql://u:{SECRET}@h/d"), ("database_file", str(tmp_path / "url"))):
        assert SECRET not in str(refusal_of(from_dict, schema(None, **{key: value})))


def test_the_switches_for_robots_belong_to_profile_quay() -> None:
    switches = {"robot_audience_optional": True, "robot_messages": True}
    policy = read({"profile": "quay", **switches})
    assert (policy.robot_audience_optional, policy.robot_messages) == (True, True)
    assert [path for path, _ in problems_of(from_dict, schema(switches))] == list(switches)
    assert from_dict({"issuers": ISSUERS, "profile": "quay", **switches}).warnings == (
        "robot_audience_optional has no effect without registry",
        "robot_messages has no effect without registry",
    )


def test_a_database_for_no_registry_is_a_warning() -> None:
    environment = {"OIDC_ISSUER": "https://people.test", "OIDC_CLIENT_ID": "api"}
    settings = from_mapping({**environment, "BEARERGATE_REGISTRY_DATABASE": "sqlite:///x"})
    assert settings.warnings == ("BEARERGATE_REGISTRY_DATABASE has no effect without registry",)


def test_what_decides_is_part_of_the_policy_version_and_where_it_is_kept_is_not() -> None:
    version = from_dict(schema()).policy_version
    assert from_dict(schema(database="sqlite:///else", keys="else")).policy_version == version
    assert from_dict(schema(allow_private_issuers=True)).policy_version != version
    assert from_dict(schema(service="else.test")).policy_version != version


def shown(settings: Settings) -> dict[str, object]:
    return {each.path: each.value for each in effective(settings) if each.path.startswith("registry.")}


def test_effective_settings_do_not_show_the_url() -> None:
    assert shown(from_dict(schema(database=f"postgresql://u:{SECRET}@h/d"))) == {
        "registry.database": "given",
        "registry.issuer": "https://registry.test",
        "registry.service": "registry.test",
        "registry.rotate_days": 30,
        "registry.keys": None,
        "registry.publish": None,
        "registry.allow_private_issuers": False,
    }
    assert shown(from_dict({"issuers": ISSUERS})) == {}
