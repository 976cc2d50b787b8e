"""Fixtures of the tests of the command line: issuers that are served on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bearergate.testing import FakeIssuer


@pytest.fixture
def issuer() -> Iterator[FakeIssuer]:
    with FakeIssuer().serve() as serving_issuer:
        yield serving_issuer


@pytest.fixture
def other() -> Iterator[FakeIssuer]:
    with FakeIssuer().serve() as serving_issuer:
        yield serving_issuer
