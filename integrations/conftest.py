"""For every end-to-end run: the figures that it measured are told at its end."""

from __future__ import annotations

from tests.figures import pytest_terminal_summary  # noqa: F401 - a hook
