"""The evidence, gathered once for all tests of this folder."""

from __future__ import annotations

import pytest

from tests.requests.evidence import Evidence, gather


@pytest.fixture(scope="package")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    return gather(tmp_path_factory.mktemp("requests"))
