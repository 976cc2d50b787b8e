"""`import bearergate` costs a resource server nothing that it does not use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import bearergate
from tests.architecture.source_rules import PACKAGE, ROOT

HEAVY = frozenset(
    {
        "asyncio", "authlib", "cel_expr_python", "click", "flask", "http.client", "joserfc", "lark",
        "logging.config", "msgspec", "opentelemetry", "prometheus_client", "psycopg", "pybase64", "re2", "redis",
        "rich", "sqlalchemy", "ssl", "starlette", "urllib.request", "urllib3", "uvicorn", "werkzeug", "yaml",
    }
)  # fmt: skip


def _loaded_by(statement: str) -> set[str]:
    # Coverage's start-up hook would load modules of its own into the process that is measured.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    script = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    finished = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    return set(json.loads(finished.stdout))


def test_importing_the_package_loads_no_framework_and_no_network() -> None:
    assert _loaded_by("import bearergate") & HEAVY == set()


def test_a_heavy_import_would_be_noticed() -> None:
    assert {"asyncio", "ssl"} <= _loaded_by("import bearergate, asyncio, ssl") & HEAVY


def test_the_wheel_is_what_gets_tested() -> None:
    installed = Path(bearergate.__file__).parent
    if Path(sys.prefix).parent != ROOT:
        # A developer's own environment may point at the source tree; the one `make test` makes may not.
        assert installed.name == "bearergate"
        return
    assert installed != PACKAGE
    assert (installed / "py.typed").is_file()
    shipped = {path.relative_to(installed).as_posix() for path in installed.rglob("*.py")}
    assert shipped == {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")}
