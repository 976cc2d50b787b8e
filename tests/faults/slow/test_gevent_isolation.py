"""The key life cycle where threads are greenlets: an issuer that hangs blocks no hub."""

from __future__ import annotations

from bearergate.core.keyring import KeyLifecycle
from bearergate.core.reasons import Reason
from bearergate.testing import HANGING, FakeIssuer
from tests.faults.programs import told_by
from tests.faults.scenes import milliseconds, percentile
from tests.figures import tell


def test_a_hanging_issuer_blocks_neither_the_hub_nor_another_issuers_tokens() -> None:
    with FakeIssuer().serve() as slow, FakeIssuer(alg="EdDSA").serve() as quick:
        slow.misbehave(HANGING)
        # Many, so that hardly a verdict is a remembered one.
        tokens = [slow.mint(), *(quick.mint() for _ in range(2000))]
        seen = told_by("greenlets", "hanging", [slow, quick], tokens)
    before = percentile([seconds for _, seconds in seen["before"]], 0.99)
    during = percentile([seconds for _, seconds in seen["during"]], 0.99)
    hub = percentile(seen["rounds"], 0.99)
    waited = max(seconds for _, seconds in seen["stuck"])
    figures = f"p99 before {milliseconds(before)}, during {milliseconds(during)}"
    tell("gevent: one issuer hangs, 100 greenlets stuck", f"{figures}; the hub is back after {milliseconds(hub)} (p99)")
    assert {verdict for verdict, _ in (*seen["before"], *seen["during"])} == {"accepted"}
    assert len(seen["during"]) > 100
    assert during <= 3 * before + 0.005
    assert hub < 0.1
    assert {verdict for verdict, _ in seen["stuck"]} == {Reason.KEYS_UNAVAILABLE}
    assert waited < KeyLifecycle().max_wait
