"""What it costs ours to refuse: a hostile client chooses how often that happens."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from benchmarks.jobs import Job, fresh
from benchmarks.scene import Scene
from benchmarks.subjects.ours import WARM, hide_msgspec, validator

if TYPE_CHECKING:
    from bearergate import Validator

MEBIBYTE = 1024 * 1024


def fast(scenes: Mapping[str, Scene]) -> dict[str, Job]:
    """Extra `fast`."""
    import msgspec  # noqa: F401 - so that a missing one is no silent change of what is measured

    return _refusals(scenes["RS256"])


def plain(scenes: Mapping[str, Scene]) -> dict[str, Job]:
    """The standard library only."""
    hide_msgspec()
    return _refusals(scenes["RS256"])


def _refusals(scene: Scene) -> dict[str, Job]:
    ours = validator(scene, WARM)
    ours.validate(scene.tokens[0])

    def always(token: str, times: int = len(scene.tokens)) -> Callable[[], list[str]]:
        return fresh([token] * times)

    header, _, signature = scene.tokens[0].split(".")
    large = f"{header}.{'A' * MEBIBYTE}.{signature}"
    return {
        "unknown kid": Job(_refusing(ours, "key_unknown"), _with_unknown_kids(scene)),
        "bad signature": Job(_refusing(ours, "signature_invalid"), always(scene.bad["bad signature"])),
        "wrong audience": Job(_refusing(ours, "audience_mismatch"), always(scene.bad["wrong audience"])),
        "expired": Job(_refusing(ours, "expired"), always(scene.bad["expired"])),
        "1 MiB token": Job(_refusing(ours, "token_too_long"), always(large, 4)),
    }


def _refusing(ours: Validator, reason: str) -> Callable[[str], object]:
    """Validates, and insists on being refused for this reason."""
    from bearergate import Refusal

    validate = ours.validate

    def refuse(token: str) -> None:
        try:
            validate(token)
        except Refusal as error:
            if error.reason != reason:
                raise
        else:
            raise AssertionError("it was accepted")

    return refuse


def _with_unknown_kids(scene: Scene) -> Callable[[], list[str]]:
    """Tokens that differ from good ones in a `kid` that nobody ever saw: as a flood would have them."""
    header = json.loads(base64.urlsafe_b64decode(scene.tokens[0].partition(".")[0] + "=="))
    rests = [token.partition(".")[2] for token in scene.tokens]

    def flood() -> list[str]:
        return [f"{_segment({**header, 'kid': secrets.token_hex(13)})}.{rest}" for rest in rests]

    return flood


def _segment(header: Mapping[str, object]) -> str:
    raw = json.dumps(header, separators=(",", ":")).encode("ascii")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
