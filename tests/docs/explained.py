"""Prints what `bearergate explain` says of refused tokens into the pages that show it.

`python -m tests.docs.explained` writes it again: what is between two marks; around those people write. Every output is
that of the command, run on a real token; of the table only the row that failed is kept.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from bearergate.testing import FakeIssuer
from tests.cli.command_line import environment, run

DOCS = Path(__file__).parents[2] / "docs"
TENANT = "11111111-2222-3333-4444-555555555555"
V1 = f"https://sts.windows.net/{TENANT}/"
V2 = f"https://login.microsoftonline.com/{TENANT}/v2.0"
API = "api://quay-api"
QUAY = "66666666-7777-8888-9999-000000000000"
PORTAL = "rhdh-client-id"
_MARK = re.compile(r"(<!-- explained: (?P<name>[a-z-]+) -->\n).*?(\n<!-- explained: end -->)", re.DOTALL)
_ROW = re.compile(r"^(?:pass|fail|skipped) ", re.MULTILINE)


@dataclass(frozen=True)
class Refused:
    """A token that is refused: who made it, and how it differs from a good v2 token of a portal for this API."""

    by: str = V2
    """The issuer whose key signs it."""
    claims: Mapping[str, Any] = field(default_factory=dict)
    forged: bool = False


REFUSED: Mapping[str, Refused] = {
    "issuer": Refused(V1, {"aud": API, "appid": PORTAL, "ver": "1.0"}),
    "slash": Refused(V2, {"iss": f"{V2}/"}),
    "audience": Refused(V2, {"aud": "api://another-api"}),
    "signature": Refused(V2, forged=True),
    "key": Refused(V1, {"iss": V2}),
    "client": Refused(V2, {"azp": "other-client-id"}),
    "client-missing": Refused(V2, {"azp": None}),
}


def explained(refused: Refused) -> str:
    """What the command says: the row that failed, and the verdict."""
    issuers = {name: FakeIssuer(name, audience=QUAY) for name in (V1, V2)}
    for name, kid in ((V1, "key-of-v1"), (V2, "key-of-v2")):
        issuers[name].rotate(keep_old=False, kid=kid)
    claims = {"aud": QUAY, "azp": PORTAL, "client_id": None, "ver": "2.0", "iat": int(time.time()), **refused.claims}
    maker = issuers[refused.by]
    token = maker.forge(claims) if refused.forged else maker.mint(claims)
    with TemporaryDirectory() as folder:
        entry = {"issuer": V2, "audiences": [API, QUAY], "allowed_clients": [PORTAL], "jwks_file": "keys.json"}
        (Path(folder) / "keys.json").write_text(json.dumps(issuers[V2].jwks()), encoding="utf-8")
        file = Path(folder) / "gate.yaml"
        file.write_text(yaml.safe_dump({"issuers": [entry]}), encoding="utf-8")
        ended = run("explain", "--config", str(file), variables=environment(COLUMNS="130"), stdin=token)
    if ended.returncode != 1:
        raise AssertionError(f"not refused: {ended.stdout}{ended.stderr}")
    return _excerpt(ended.stdout)


def _excerpt(printed: str) -> str:
    table, _, verdict = printed.rstrip().rpartition("\n\n")
    starts = [match.start() for match in _ROW.finditer(table)]
    rows = [table[start:end] for start, end in zip(starts, [*starts[1:], len(table)], strict=True)]
    (failed,) = (row.rstrip() for row in rows if row.startswith("fail"))
    return f"{failed}\n...\n{verdict}"


def pages() -> list[Path]:
    """The pages that show an output."""
    return [page for page in sorted(DOCS.rglob("*.md")) if _MARK.search(page.read_text(encoding="utf-8"))]


def with_print(page: str) -> str:
    """The page with what the command says between its marks."""
    return _MARK.sub(lambda mark: f"{mark[1]}\n```text\n{explained(REFUSED[mark['name']])}\n```\n{mark[3]}", page)


def main() -> None:
    """Write the pages."""
    for path in pages():
        path.write_text(with_print(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
