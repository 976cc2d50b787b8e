"""The pages that say where a promise is tested name folders that are there and hold tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`((?:tests|integrations)/[\w/.]+)`")


@pytest.mark.parametrize("page", ["SECURITY.md", "docs/explanation/known-attacks.md"])
def test_a_page_sends_nobody_to_a_folder_without_tests(page: str) -> None:
    named = set(NAMED.findall((ROOT / page).read_text(encoding="utf-8")))
    assert len(named) > 5
    for name in named:
        path = ROOT / name
        assert path.is_file() or any(path.glob("test_*.py")), name


def test_every_rule_has_its_row_or_a_reason_why_not() -> None:
    text = (ROOT / "docs/explanation/known-attacks.md").read_text(encoding="utf-8")
    assert {int(number) for number in re.findall(r"\bR(\d+)", text)} == set(range(1, 42))
