"""The house rules that a linter has no word for, held over every file of the package."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.architecture.source_rules import (
    MAX_FILE_LINES,
    MAX_FUNCTION_LINES,
    PACKAGE,
    ROOT,
    bearer_syntax,
    claim_literals,
    homeless_names,
    long_files,
    long_functions,
    missing_docstring,
    private_words,
    source_files,
)

Scanner = Callable[[str], Iterable[str]]

# Each entry: the file, the literals it may hold, and why. Empty is the aim.
CLAIM_LITERALS_ALLOWED: dict[str, frozenset[str]] = {
    # A field of the audit line, which is a format of its own and keeps its names whatever claims are called.
    "observers.py": frozenset({"jti"}),
}
BEARER_SYNTAX_ALLOWED: dict[str, frozenset[str]] = {
    # Not the scheme: Keycloak marks its access tokens with a claim `typ` of this value.
    "core/claim_checks.py": frozenset({"Bearer"}),
}
LONG_FILES_ALLOWED: dict[str, str] = {}
LONG_FUNCTIONS_ALLOWED: dict[str, str] = {}


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def _in_core(path: Path) -> bool:
    return _name(path).startswith("core/")


def _findings(scanner: Scanner, files: Iterable[Path]) -> list[str]:
    return [f"{_name(path)}: {finding}" for path in files for finding in scanner(path.read_text(encoding="utf-8"))]


def test_the_package_is_there_to_be_scanned() -> None:
    assert PACKAGE / "__init__.py" in source_files()


def test_every_file_can_be_read_in_one_sitting() -> None:
    files = [path for path in source_files() if _name(path) not in LONG_FILES_ALLOWED]
    assert _findings(long_files, files) == []


def test_every_function_fits_on_a_screen() -> None:
    findings = _findings(long_functions, source_files())
    assert [finding for finding in findings if finding.split(" (")[0] not in LONG_FUNCTIONS_ALLOWED] == []


def test_every_file_says_what_lives_in_it() -> None:
    assert _findings(missing_docstring, source_files()) == []


def test_claim_names_are_spelled_out_in_the_core_only() -> None:
    findings = _findings(claim_literals, [path for path in source_files() if not _in_core(path)])
    assert [finding for finding in findings if not _allowed(finding, CLAIM_LITERALS_ALLOWED)] == []


def test_bearer_syntax_is_known_to_one_file() -> None:
    findings = _findings(bearer_syntax, [path for path in source_files() if _name(path) != "core/bearer.py"])
    assert [finding for finding in findings if not _allowed(finding, BEARER_SYNTAX_ALLOWED)] == []


def test_every_module_is_named_after_what_it_holds() -> None:
    assert [finding for path in source_files() for finding in homeless_names(path.relative_to(PACKAGE))] == []


def _allowed(finding: str, allowed: dict[str, frozenset[str]]) -> bool:
    file, _, rest = finding.partition(": ")
    return any(rest.endswith(repr(literal)) for literal in allowed.get(file, ()))


# The words are put together here so that this file does not hold them.
_HOSTS = (
    "py" + "pi.org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "npm" + "js.com",
    "crates" + ".io",
    "proxy.golang" + ".org",
    "sum.golang" + ".org",
    "maven" + ".org",
    "maven.apache" + ".org",
    "deb.debian" + ".org",
)
PRIVATE_WORDS = {
    "/" + "work": re.compile(r"(?<![\w./:}*-])/" + r"work(?![\w-])"),
    "/" + "root": re.compile(r"(?<![\w./:}*-])/" + r"root(?![\w-])"),
    "/" + "tmp": re.compile(r"(?<![\w.}*-])/" + "tmp/"),
    **{host: re.compile(r"(?<!\w)" + re.escape(host) + r"(?!\w)", re.IGNORECASE) for host in _HOSTS},
}


def test_tracked_files_name_no_machine_and_no_registry() -> None:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    findings: list[str] = []
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if path.is_symlink() or not path.is_file():
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        findings += [f"{name}: {finding}" for finding in private_words(text, PRIVATE_WORDS)]
    assert findings == []


# What follows proves that each scanner can fail.


@pytest.mark.parametrize(
    ("scanner", "bad", "good"),
    [
        (long_files, "x = 1\n" * (MAX_FILE_LINES + 1), "x = 1\n" * MAX_FILE_LINES),
        (
            long_functions,
            "def f():\n" + "    x = 1\n" * MAX_FUNCTION_LINES,
            "def f():\n" + "    x = 1\n" * (MAX_FUNCTION_LINES - 1),
        ),
        (
            long_functions,
            "class C:\n    async def f(self):\n" + "        x = 1\n" * MAX_FUNCTION_LINES,
            'def f():\n    """' + "why\n" * MAX_FUNCTION_LINES + '"""\n',
        ),
        (missing_docstring, "import os\n", '"""What lives here."""\n'),
        (missing_docstring, "", '"""What lives here."""\n'),
        (claim_literals, 'claims["azp"]', 'claims["apples"]'),
        (claim_literals, 'token = {"exp": 1}', "mint(exp=1)"),
        (claim_literals, 'f(b"aud")', '"""aud"""'),
        (bearer_syntax, 'headers["Authorization"]', 'headers["Accept"]'),
        (bearer_syntax, 'environ["HTTP_AUTHORIZATION"]', 'environ["PATH_INFO"]'),
        (bearer_syntax, 'f"Bearer {token}"', 'f"BearerMiddleware {token}"'),
        (bearer_syntax, 'name = b"www-authenticate"', '"""Answers with WWW-Authenticate."""'),
        (bearer_syntax, "print('curl -H \"Authorization: Bearer x\"')", "'bears no token'"),
    ],
)
def test_a_scanner_tells_bad_from_good(scanner: Scanner, bad: str, good: str) -> None:
    assert list(scanner(bad))
    assert not list(scanner(good))


@pytest.mark.parametrize("path", ["utils.py", "core/types.py", "common/keys.py"])
def test_a_homeless_name_is_found(path: str) -> None:
    assert list(homeless_names(Path(path)))
    assert not list(homeless_names(Path("core/claims.py")))


@pytest.mark.parametrize(
    "line",
    [
        "see " + "/" + "work/main",
        "cd " + "/" + "root",
        "pid /" + "tmp/x.pid",
        "https://" + "py" + "pi.org/simple",
        "registry." + "npm" + "js.org",
    ],
)
def test_a_private_word_is_found(line: str) -> None:
    assert list(private_words(line, PRIVATE_WORDS))


@pytest.mark.parametrize(
    "line",
    [
        "https://host/" + "work",
        "network/" + "work",
        "$" + "{TMPDIR}/" + "tmp/x",
        "the root of the tree",
        "/" + "workers",
    ],
)
def test_an_ordinary_path_is_not_a_private_word(line: str) -> None:
    assert not list(private_words(line, PRIVATE_WORDS))
