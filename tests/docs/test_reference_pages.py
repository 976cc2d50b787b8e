"""The reference pages say what the code does: they are printed from it, or compared with it."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from bearergate.config.deployment import ALLOW_EXPIRED, SHARED, SNAPSHOT, VARIABLES
from bearergate.config.environment import BOOLEANS, LISTS, NUMBERS
from bearergate.config.flat import KEYS
from bearergate.config.issuer_schema import ISSUER_KEYS
from bearergate.config.lifecycle import COUNTS
from bearergate.config.lifecycle import NUMBERS as KEY_NUMBERS
from bearergate.config.presets import PRESETS
from bearergate.config.profiles import PROFILES
from bearergate.config.service_accounts import CLUSTER_KEYS
from bearergate.config.supply import SHARED_KEYS
from bearergate.core.checks import TABLE
from bearergate.core.key_health import KeyHealth
from bearergate.core.reasons import Reason
from tests.docs.reference_pages import ELSEWHERE, FOLDER, PAGES, with_print

ROOT = Path(__file__).parents[2]
CONFIGURATION = FOLDER / "configuration.md"


@pytest.mark.parametrize("name", PAGES)
def test_a_printed_page_is_up_to_date(name: str) -> None:
    page = (FOLDER / name).read_text(encoding="utf-8")
    assert page == with_print(page, PAGES[name]()), "run: python -m tests.docs.reference_pages"


def test_every_reason_has_somebody_who_refuses_with_it() -> None:
    assert {reason for check in TABLE for reason in check.reasons} | set(ELSEWHERE) == set(Reason)


SUPPLY_KEYS = (SNAPSHOT, ALLOW_EXPIRED, *(f"{SHARED}.{name}" for name in SHARED_KEYS))


@pytest.mark.parametrize(
    "key", [*KEYS, *ISSUER_KEYS, *CLUSTER_KEYS, *SUPPLY_KEYS, *KEY_NUMBERS, *COUNTS, *PRESETS, *PROFILES]
)
def test_every_setting_is_on_the_reference_page(key: str) -> None:
    assert f"`{key}`" in CONFIGURATION.read_text(encoding="utf-8")


def test_every_field_of_the_health_is_on_the_page_of_the_command_line() -> None:
    page = (FOLDER / "command-line.md").read_text(encoding="utf-8")
    assert [field.name for field in fields(KeyHealth) if f"`{field.name}`" not in page] == []


def test_the_reference_page_invents_no_flat_key() -> None:
    for page in (CONFIGURATION, ROOT / "README.md"):
        named = set(re.findall(r"`((?:OIDC|BEARERGATE)_[A-Z_]+)`", page.read_text(encoding="utf-8")))
        assert named <= set(KEYS)


def test_the_readme_shows_every_flat_key_that_a_newcomer_needs() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    # The switches of one profile and what a fleet needs are on the reference page.
    rare = {"OIDC_ISSUER_SLASH", "OIDC_SKIP_NBF", *VARIABLES}
    assert {key for key in KEYS if f"`{key}`" in readme} >= set(KEYS) - rare
    assert set(KEYS) >= LISTS | BOOLEANS | NUMBERS


def test_the_threat_model_names_only_tests_that_exist() -> None:
    named = re.findall(r"`((?:tests|integrations)/[\w/.]+)`", (ROOT / "SECURITY.md").read_text(encoding="utf-8"))
    assert len(named) > 10
    assert [path for path in set(named) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("name", ["README.md", "SECURITY.md"])
def test_every_link_beside_the_documentation_leads_somewhere(name: str) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", (ROOT / name).read_text(encoding="utf-8"))
    assert [link for link in links if not (ROOT / link).exists()] == []
