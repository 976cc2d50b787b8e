"""Which tests are asked first about which module, and in which order the others follow."""

from __future__ import annotations

from pathlib import Path
from typing import Final

STRICT: Final = (
    "jwt.py",
    "jws.py",
    "checks.py",
    "validation.py",
    "token_checks.py",
    "claim_checks.py",
    "rule_checks.py",
)
"""What decides whether a token is accepted: no mutant of these may survive."""

FAST: Final = ("tests/core",)
ALL_OF_THE_CORE: Final = 1
"""The round in which all tests of the core are asked."""
LAST: Final = ("tests/vectors", "tests/test_validator.py", "tests/test_validator_events.py", "tests/adapters")
"""Asked about what survives the tests of the core. They start no server and depend on no chance."""

_RECORDS: Final = "test_records.py"
"""About every module: whether its records can be changed."""
_TABLE: Final = (
    "test_table_of_checks.py",
    "test_rules_of_checks.py",
    "test_rows_to_the_letter.py",
    "test_facts_of_checks.py",
    "test_report.py",
)
_FIRST: Final = {
    "access.py": ("test_access.py", "test_demand.py", "test_authorization.py"),
    "checks.py": _TABLE,
    "claim_checks.py": _TABLE,
    "examination.py": _TABLE,
    "expression.py": ("test_expression.py", "test_expression_refusals.py"),
    "jws.py": ("test_jws.py", "test_ecdsa_halves.py"),
    "jwt.py": ("test_jwt.py", "test_rows_to_the_letter.py"),
    "key_record.py": ("test_keyring.py",),
    "key_snapshot.py": ("test_keyring.py",),
    "principal.py": _TABLE,
    "reasons.py": ("test_errors.py",),
    "token_checks.py": _TABLE,
    "validation.py": (*_TABLE, "test_span_of_a_verdict.py", "test_remembered_headers.py"),
}


def rounds(root: Path, file: str) -> tuple[tuple[str, ...], ...]:
    """Tests to ask about a module, round by round, until one of them fails: its own, the core's, some others."""
    names = (*_FIRST.get(file, (f"test_{file}",)), _RECORDS)
    first = tuple(f"tests/core/{name}" for name in names if (root / "tests/core" / name).exists())
    return first, FAST, LAST
