"""The plugin that counts acceptance rows, in real runs of pytest on a folder with three rows."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PLUGIN = """
from pathlib import Path
from tests.acceptance.rows import Rows, Table

def pytest_configure(config):
    config.pluginmanager.register(Rows(config, [Table("Depot", "X", 3)], Path(__file__).parent / "rows"))

def pytest_terminal_summary(terminalreporter):
    from tests.figures import FIGURES
    for scenario, figure in FIGURES:
        terminalreporter.write_line(f"{scenario}: {figure}")
"""
ALL = """
import pytest

def test_X1_is_in_the_name(): pass
@pytest.mark.parametrize("row", [1, 2], ids=["X2-because", "because-X3"])
def test_in_the_parameter(row): pass
"""


@dataclass(frozen=True)
class Folder:
    """A folder `rows` with tests of rows, and one beside it with other tests."""

    path: Path

    def run(self, *arguments: str) -> tuple[int, str]:
        """The exit status and what was printed."""
        command = [sys.executable, "-m", "pytest", "--import-mode=importlib", "-p", "no:cacheprovider", *arguments]
        environment = {"PYTHONPATH": str(ROOT), "PATH": "", "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            command, cwd=self.path, env=environment, capture_output=True, text=True, timeout=50, check=False
        )
        return done.returncode, done.stdout + done.stderr

    def write(self, tests: str, name: str = "test_depot.py") -> None:
        (self.path / "rows" / name).write_text(tests, encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    for name in ("rows", "others"):
        (tmp_path / name).mkdir()
    (tmp_path / "conftest.py").write_text(PLUGIN, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    # A name that looks like a row's is none outside the folder.
    (tmp_path / "others" / "test_others.py").write_text("def test_X2_elsewhere(): pass\n", encoding="utf-8")
    return Folder(tmp_path)


@pytest.mark.parametrize("arguments", [(), ("rows", "others"), ("rows/test_depot.py",)])
def test_a_run_in_which_every_row_ran_succeeds(folder: Folder, arguments: tuple[str, ...]) -> None:
    folder.write(ALL)
    status, printed = folder.run(*arguments)
    assert (status, "acceptance rows of Depot: 3 of 3 ran\n" in printed) == (0, True), printed


@pytest.mark.parametrize("arguments", [("rows",), ("rows/test_depot.py",), ("-n", "2")])
def test_a_row_without_a_test_fails_a_run_that_left_nothing_out(folder: Folder, arguments: tuple[str, ...]) -> None:
    folder.write("def test_X1_is_in_the_name(): pass\ndef test_X30_is_another_row(): pass\n")
    status, printed = folder.run(*arguments)
    assert (status, "Depot: X2, X3\n" in printed) == (1, True), printed
    assert "acceptance rows of Depot: 1 of 3 ran\n" in printed


HIDDEN = """
@pytest.mark.skip
def test_X1_again(): pass
@pytest.mark.xfail(strict=True)
def test_X2_again(): assert False
def test_X3_again(): pytest.skip("no Dex")
"""


def test_a_skipped_row_is_a_missing_one_even_if_another_test_of_it_ran(folder: Folder) -> None:
    folder.write(ALL + HIDDEN)
    status, printed = folder.run()
    assert (status, "Depot: X1 (skipped), X2 (skipped), X3 (skipped)\n" in printed) == (1, True), printed


@pytest.mark.parametrize(
    "arguments",
    [
        ("rows/test_depot.py::test_X1_is_in_the_name",),
        ("-k", "X1"),
        ("-k", "X1", "-n", "2"),
        ("--deselect", "rows/test_depot.py::test_in_the_parameter"),
    ],
)
def test_a_run_of_some_tests_says_so_and_fails_for_no_row(folder: Folder, arguments: tuple[str, ...]) -> None:
    folder.write(ALL)
    status, printed = folder.run(*arguments)
    assert (status, "acceptance rows of Depot: 1 of 3 ran; not all were selected\n" in printed) == (0, True), printed


def test_a_run_of_one_file_of_several_is_one_of_some_tests(folder: Folder) -> None:
    folder.write("def test_X1_is_in_the_name(): pass\n")
    folder.write("def test_X2_is_in_the_name(): pass\n", "test_more.py")
    assert folder.run("rows/test_depot.py")[0] == 0
    assert folder.run("rows/test_depot.py", "rows/test_more.py")[0] == 1


def test_a_run_without_the_folder_says_nothing_of_it(folder: Folder) -> None:
    for arguments in (("others",), ("--ignore=rows",)):
        status, printed = folder.run(*arguments)
        assert (status, "acceptance rows" in printed) == (0, False), printed


def test_a_failing_row_is_told_as_a_failure_and_not_as_missing(folder: Folder) -> None:
    folder.write(ALL.replace("in_the_name(): pass", "in_the_name(): assert False"))
    status, printed = folder.run()
    assert (status, "acceptance rows of Depot: 3 of 3 ran\n" in printed) == (1, True), printed
