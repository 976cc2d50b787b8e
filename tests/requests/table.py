"""The table: every hostile request, and what must become of it at every adapter under every server."""

from __future__ import annotations

from typing import Final

from tests.requests.credentials import CREDENTIALS
from tests.requests.framing import FRAMING
from tests.requests.identities import IDENTITIES
from tests.requests.methods import METHODS
from tests.requests.paths import PATHS
from tests.requests.verdicts import Row

ROWS: Final[tuple[Row, ...]] = (*CREDENTIALS, *METHODS, *PATHS, *IDENTITIES, *FRAMING)
