"""Programs that a test starts: told what to do by arguments, tokens and the environment, they answer in JSON.

Knows no scene.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from bearergate.testing import FakeIssuer
from tests.faults.servers import ROOT, environment

PATIENCE = 40.0


def told_by(program: str, scene: str, issuers: Sequence[FakeIssuer], tokens: Sequence[str] = ()) -> Any:
    """What the program prints; fails when it breaks or hangs. `tokens`: one of each issuer if not given."""
    given = tokens or [issuer.mint() for issuer in issuers]
    with subprocess.Popen(
        [sys.executable, "-m", f"tests.faults.{program}", scene],
        env=environment(*issuers),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            said, errors = process.communicate("\n".join(given), PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError(f"{program} {scene} hangs: {process.communicate()[1]}") from None
    assert process.returncode == 0, errors
    return json.loads(said)
