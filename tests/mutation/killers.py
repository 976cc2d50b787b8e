"""Which tests are asked first about which module, and in which order the others follow."""

from __future__ import annotations

from pathlib import Path
from typing import Final

STRICT: Final = ("jwt.py", "jws.py", "checks.py", "validation.py", "token_checks.py", "claim_checks.py")
"""What decides whether a token is accepted: no mutant of these may survive."""

FAST: Final = ("tests/core",)
LAST: Final = ("tests/vectors", "tests/requests", "tests/properties", "tests/test_validator.py", "tests/adapters")
"""Asked about what survives the tests of the core, as far as they are there."""

_TABLE: Final = ("test_table_of_checks.py", "test_facts_of_checks.py")
_FIRST: Final = {
    "checks.py": _TABLE,
    "claim_checks.py": _TABLE,
    "examination.py": _TABLE,
    "principal.py": _TABLE,
    "token_checks.py": _TABLE,
    "validation.py": _TABLE,
    "key_record.py": ("test_keyring.py",),
    "key_snapshot.py": ("test_keyring.py",),
    "reasons.py": ("test_errors.py",),
}


def rounds(root: Path, file: str) -> list[list[str]]:
    """Tests to ask about a module, round by round, until one of them fails."""
    names = _FIRST.get(file, (f"test_{file}",))
    first = [f"tests/core/{name}" for name in names if (root / "tests/core" / name).exists()]
    last = [path for path in LAST if (root / path).exists()]
    return [found for found in (first, list(FAST), last) if found]
