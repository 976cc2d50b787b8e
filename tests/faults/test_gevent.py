"""The key life cycle where threads are greenlets: a hundred of them share one flight."""

from __future__ import annotations

from collections import Counter

from bearergate.testing import FakeIssuer, Fault
from tests.faults.programs import told_by
from tests.faults.scenes import traffic_of
from tests.figures import tell


def test_a_hundred_cold_greenlets_share_one_flight() -> None:
    with FakeIssuer().serve() as issuer:
        issuer.jwks_fault = Fault(delay=0.3)
        answers = Counter(told_by("greenlets", "cold", [issuer]))
        tell("gevent: 100 cold greenlets", traffic_of(issuer))
        assert answers == {"accepted": 100}
        assert (issuer.discovery_requests, issuer.jwks_requests) == (1, 1)


def test_a_greenlet_that_is_killed_and_one_that_gives_up_leave_the_flight_to_the_third() -> None:
    with FakeIssuer().serve() as issuer:
        issuer.jwks_fault = Fault(delay=0.5)
        patient = told_by("greenlets", "impatient", [issuer])
        scenario = "gevent: one of three waiting greenlets killed, one timed out"
        tell(scenario, f"third waiter: {patient}; {traffic_of(issuer)}")
        assert patient == "accepted"
        assert (issuer.discovery_requests, issuer.jwks_requests) == (1, 1)
