"""What the pages show of `bearergate explain` is what the command says of such a token today."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bearergate.core.reasons import Reason
from tests.docs.explained import DOCS, REFUSED, explained, pages, with_print

TROUBLESHOOTING = DOCS / "how-to" / "troubleshooting.md"


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_every_output_that_a_page_shows_is_the_commands(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text == with_print(text), "run: python -m tests.docs.explained"


def test_every_kind_of_refusal_is_shown_somewhere() -> None:
    shown = {name for page in pages() for name in re.findall(r"<!-- explained: (\S+) -->", page.read_text("utf-8"))}
    assert shown == {*REFUSED, "end"}


@pytest.mark.parametrize(
    ("symptom", "reason"),
    [
        ("Issuer not configured", Reason.ISSUER_UNKNOWN),
        ("Invalid audience", Reason.AUDIENCE_MISMATCH),
        ("Signature verification failed", Reason.SIGNATURE_INVALID),
        ("Authorized party", Reason.CLIENT_NOT_ALLOWED),
    ],
)
def test_what_other_systems_call_it_leads_to_the_reason_and_its_output(symptom: str, reason: Reason) -> None:
    section = next(
        part for part in TROUBLESHOOTING.read_text("utf-8").split("\n## ") if symptom in part and f"`{reason}`" in part
    )
    assert re.search(rf"```text\nfail .*reason +{reason}\n", section, re.DOTALL)


def test_an_output_of_another_refusal_would_be_seen() -> None:
    assert "audience_mismatch" in explained(REFUSED["audience"])
    marks = "<!-- explained: audience -->\n{}\n<!-- explained: end -->\n"
    assert with_print(marks.format("old")) == marks.format(f"\n```text\n{explained(REFUSED['audience'])}\n```\n")
