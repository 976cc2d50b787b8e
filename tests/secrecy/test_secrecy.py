"""What a run that listens finds, and what it leaves alone; and that a find fails the run although its tests pass."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bearergate.testing import FakeIssuer
from tests.secrecy.listening import Listening, LogEars
from tests.secrecy.signatures import WINDOW, Secrets

ROOT = Path(__file__).parents[2]
TOKEN = FakeIssuer("https://issuer.test", alg="ES256").mint()
HEADER, PAYLOAD, SIGNATURE = TOKEN.split(".")


def known(*tokens: str) -> Secrets:
    secrets = Secrets()
    for token in tokens:
        secrets.note(token)
    return secrets


@pytest.mark.parametrize(
    "text",
    [
        SIGNATURE,
        f"Bearer {TOKEN}",
        f"refused: {SIGNATURE!r}",
        f"prefix{SIGNATURE}suffix",
        f"it begins with {SIGNATURE[:WINDOW]}",
        f"it ends with ...{SIGNATURE[-WINDOW:]}",
        f"a\nb\n{SIGNATURE}\n",
    ],
)
def test_a_signature_is_found_wherever_it_stands(text: str) -> None:
    assert known(TOKEN).find(text) == "a signature segment of a minted token"


def test_what_looks_like_a_token_is_found_whoever_minted_it() -> None:
    for text in (f"{HEADER}.{PAYLOAD}.", f"token={HEADER}.{PAYLOAD}.{SIGNATURE}&x"):
        assert Secrets().find(text) == "something that looks like a whole token"


@pytest.mark.parametrize(
    "text",
    ["", "expired [exp]: the token has expired", "A" * 500, SIGNATURE[: WINDOW - 1], SIGNATURE[::-1], PAYLOAD, HEADER],
)
def test_other_texts_are_left_alone(text: str) -> None:
    assert known(TOKEN, f"{HEADER}.{PAYLOAD}.{'A' * 86}", "a.b.").find(text) is None


def test_only_so_many_signatures_are_remembered_and_the_last_ones_are() -> None:
    issuer, secrets = FakeIssuer("https://issuer.test", alg="ES256"), Secrets(max_known=3)
    tokens = [issuer.mint() for _ in range(5)]
    for token in tokens:
        secrets.note(token)
    found = [secrets.find(token.rpartition(".")[2]) is not None for token in tokens]
    assert (found, secrets.noted) == ([False, False, True, True, True], 5)


@pytest.fixture
def listening() -> Listening:
    heard = Listening()
    heard.secrets.note(TOKEN)
    return heard


def test_a_log_record_is_heard_with_its_arguments_and_its_traceback(listening: Listening) -> None:
    logger = logging.Logger("scratch")  # noqa: LOG001 - of nobody else's tree, so that this run does not hear it
    logger.addHandler(LogEars(listening))
    logger.debug("nothing to see")
    assert listening.findings == []
    leaks: tuple[Callable[[], None], ...] = (
        lambda: logger.debug("presented %s", TOKEN),
        lambda: logger.info("refused", exc_info=ValueError(SIGNATURE)),
        lambda: logger.warning("of %d", TOKEN),
    )
    for say in leaks:
        before = len(listening.findings)
        say()
        assert len(listening.findings) == before + 1
    assert listening.heard["log records"] == 4


def test_what_a_test_client_says_of_its_own_url_is_left_alone(listening: Listening) -> None:
    logger = logging.Logger("httpx2")  # noqa: LOG001
    logger.addHandler(LogEars(listening))
    logger.info("HTTP Request: GET %s", f"http://api.test/?access_token={TOKEN}")
    assert listening.findings == []


def test_an_error_is_heard_with_all_that_a_traceback_would_show(listening: Listening) -> None:
    noted, field, behind, hidden = (ValueError("refused") for _ in range(4))
    noted.add_note(SIGNATURE)
    field.actual = SIGNATURE  # type: ignore[attr-defined]
    behind.__cause__ = KeyError(SIGNATURE)
    hidden.__context__, hidden.__suppress_context__ = KeyError(SIGNATURE), True
    for error, found in ((ValueError(SIGNATURE), 1), (noted, 2), (field, 3), (behind, 4), (hidden, 4)):
        listening.hear_error(error)
        listening.settle()
        assert len(listening.findings) == found


def test_what_was_found_is_not_in_the_findings(listening: Listening) -> None:
    listening.test = "tests/x.py::test_y"
    listening.hear("answers", TOKEN)
    assert list(listening.shown()) == ["a signature segment of a minted token in answers, during tests/x.py::test_y"]
    assert SIGNATURE not in listening.told()


LEAKS = """
import logging

from bearergate.core.bearer import Answer
from bearergate.core.errors import BearergateError
from bearergate.core.events import StaleKeysUsed
from bearergate.testing import FakeIssuer
from tests.adapters.drivers import Response
from tests.keys.patient import validator_for

ISSUER = FakeIssuer("https://issuer.test", alg="ES256")
SIGNATURE = ISSUER.mint().rpartition(".")[2]

def test_nothing_gets_out():
    logging.getLogger("a.b").debug("nothing")

def test_log():
    logging.getLogger("a.b").debug("presented %s", SIGNATURE)

def test_error():
    BearergateError(SIGNATURE)

def test_event():
    validator_for(ISSUER)._decisions.tell(StaleKeysUsed(time=0.0, issuer=SIGNATURE, age_s=0.0))

def test_answer():
    Response(401, [("www-authenticate", SIGNATURE)], b"")
"""


def run_of(tests: Path | str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "-q", "-p", "tests.secrecy.plugin"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.run(
        [*command, "-p", "no:cacheprovider", str(tests)],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=50,
    )  # fmt: skip


def test_a_token_that_got_out_fails_the_run_although_every_test_passes(tmp_path: Path) -> None:
    scratch = tmp_path / "test_scratch.py"
    scratch.write_text(LEAKS, encoding="utf-8")
    finished = run_of(scratch)
    assert finished.returncode == pytest.ExitCode.TESTS_FAILED
    assert "5 passed" in finished.stdout
    for kind, test in (("log records", "log"), ("errors", "error"), ("events", "event"), ("answers", "answer")):
        assert f"a signature segment of a minted token in {kind}, during " in finished.stdout
        assert f"::test_{test}\n" in finished.stdout
    assert "test_nothing_gets_out" not in finished.stdout


def test_a_run_in_which_nothing_gets_out_passes(tmp_path: Path) -> None:
    scratch = tmp_path / "test_scratch.py"
    scratch.write_text(LEAKS, encoding="utf-8")
    finished = run_of(f"{scratch}::test_nothing_gets_out")
    assert finished.returncode == pytest.ExitCode.OK
    assert "1 passed" in finished.stdout
