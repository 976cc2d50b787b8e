"""Every Python block of the README and the documentation runs as printed; blocks of one page share their names."""

from __future__ import annotations

import ast
import asyncio
import inspect
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from unittest import mock

import pytest

from tests.docs.markdown_blocks import SKIP_MARK, Block, blocks, python_blocks

ROOT = Path(__file__).parents[2]
PAGES = [
    path
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if path.is_file() and python_blocks(path)
]


@pytest.fixture
def _own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A page may write files and set variables; the next one must not see them."""
    monkeypatch.chdir(tmp_path)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OIDC_", "BEARERGATE_"))}
    with mock.patch.dict(os.environ, kept, clear=True):
        yield


def run(block: Block, path: Path, namespace: dict[str, object]) -> None:
    """Line numbers of the page, so that a traceback points into it; `await` works as in a notebook."""
    code = compile(
        "\n" * (block.line - 1) + block.text, str(path), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True
    )
    if code.co_flags & inspect.CO_COROUTINE:
        asyncio.run(eval(code, namespace))
    else:
        exec(code, namespace)


@pytest.mark.usefixtures("_own_surroundings")
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_code_of_a_page_runs(path: Path) -> None:
    page = ModuleType("page")
    for block in python_blocks(path):
        run(block, path, page.__dict__)


def test_a_broken_block_is_reported_with_its_line(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A page\n\n```python\nx = 1\nraise LookupError(x)\n```\n", encoding="utf-8")
    with pytest.raises(LookupError) as caught:
        run(python_blocks(page)[0], page, {})
    assert caught.traceback[-1].lineno + 1 == 5


def test_a_block_may_await(tmp_path: Path) -> None:
    namespace: dict[str, object] = {}
    run(Block("python", 1, "import asyncio\nanswer = await asyncio.sleep(0, 42)\n", skipped=False), tmp_path, namespace)
    assert namespace["answer"] == 42


def test_blocks_are_found_by_language_mark_and_indentation() -> None:
    page = (
        '```python title="app.py"\na = 1\n```\n'
        f"{SKIP_MARK}\n```python\nb = 1\n```\n"
        "- item\n\n    ~~~bash\n    ls\n    ~~~\n"
        "````\n```python\n```\n````\n"
    )
    assert [(block.language, block.text, block.skipped) for block in blocks(page)] == [
        ("python", "a = 1\n", False),
        ("python", "b = 1\n", True),
        ("bash", "ls\n", False),
        ("", "```python\n```\n", False),
    ]
