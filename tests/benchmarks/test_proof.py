"""Nobody is timed who does not verify: real workers, in processes of their own, with real tokens."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks import minting
from benchmarks.crew import Crew, Worker, WorkerFailed
from benchmarks.proof import Unproven, judge, prove
from benchmarks.scene import Scene, load, save


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scenes") / "scenes.json"
    save({"RS256": minting.scene("RS256")}, path)
    return path


@contextmanager
def working(subject: str, scenes: Path) -> Iterator[Worker]:
    command = [sys.executable, "-m", "benchmarks.worker", f"tests.benchmarks.subjects:{subject}", str(scenes)]
    with Crew() as crew:
        yield crew.start(subject, command)


def test_a_library_that_does_its_duty_is_proven_and_timed(scenes: Path) -> None:
    with working("careful", scenes) as worker:
        prove(worker, worker.verifying)
        laps = worker.time("RS256", 3)
    assert worker.verifying == ["RS256"]
    assert len(laps) == 3
    assert all(microseconds > 0 for microseconds in laps)


@pytest.mark.parametrize(
    ("subject", "why"),
    [
        ("without_signature", "accepts a token with: bad signature"),
        ("without_expiry", "accepts a token with: expired"),
        ("forgetful", "accepts a token with: bad signature"),
        ("strict", "refuses a good token: ValueError"),
    ],
)
def test_a_library_that_does_not_is_noticed(subject: str, why: str, scenes: Path) -> None:
    with working(subject, scenes) as worker, pytest.raises(Unproven, match=f"{subject} .*{why}"):
        prove(worker, worker.verifying)


def test_a_worker_that_dies_is_named(scenes: Path) -> None:
    with working("dying", scenes) as worker, pytest.raises(WorkerFailed, match="'dying' ended with"):
        worker.trials("RS256")


def test_what_a_library_prints_is_not_taken_for_an_answer(scenes: Path) -> None:
    with working("talkative", scenes) as worker:
        prove(worker, worker.verifying)


@pytest.mark.parametrize("case", ["bad signature", "expired", "wrong audience"])
def test_a_case_that_was_not_tried_proves_nothing(case: str) -> None:
    trials = [{"case": "good", "accepted": True, "said": ""}]
    others = {"bad signature", "expired", "wrong audience"} - {case}
    trials += [{"case": other, "accepted": False, "said": "Refused"} for other in others]
    with pytest.raises(Unproven, match=f"was not tried with: {case}"):
        judge("somebody", trials)


def test_tokens_are_many_and_like_those_of_a_large_directory(scenes: Path) -> None:
    scene: Scene = load(scenes)["RS256"]
    assert len(set(scene.tokens)) == minting.TOKENS
    assert all(2400 <= len(token) <= 2600 for token in scene.tokens)
    claims = minting.entra_like("https://issuer.test", 1_000_000, minting.chance("any"))
    assert len(claims) == 25
    assert len(claims["groups"]) == 20
