"""A flood of random kids that does not end, and a key that the issuer publishes in the middle of it."""

from __future__ import annotations

import itertools
import threading
import time

from bearergate.core.reasons import Reason
from bearergate.testing import FakeIssuer
from tests.faults.scenes import going_on
from tests.figures import tell
from tests.keys.patient import reason_of, validator_for, wait_until


def test_a_new_key_is_accepted_within_11_seconds_of_a_continuous_flood() -> None:
    with FakeIssuer(alg="EdDSA").serve() as issuer:
        validator = validator_for(issuer)
        validator.validate(issuer.mint())
        numbers = itertools.count()

        def strange() -> None:
            assert reason_of(validator, issuer.mint(header={"kid": f"random-{next(numbers)}"})) is Reason.KEY_UNKNOWN
            threading.Event().wait(0.005)

        with going_on(4, strange):
            # The flood has used the bucket up when the key appears, so that it has to wait for a refill.
            wait_until(lambda: issuer.jwks_requests == 4)
            issuer.rotate()
            published, token = time.monotonic(), issuer.mint()
            while reason_of(validator, token) is not None and time.monotonic() - published < 20:
                threading.Event().wait(0.05)
            after = time.monotonic() - published
        scenario = "a new key appears; its first token: during a continuous flood of random kids"
        tell(scenario, f"accepted after {after:.1f} s")
        assert after <= 11
        assert issuer.jwks_requests <= 6
