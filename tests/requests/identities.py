"""Rows about identities that a client claims for itself in headers (the environment folds `-`, `_` and case)."""

from __future__ import annotations

from typing import Final

from bearergate.core.reasons import Reason
from tests.adapters.contract import ANONYMOUS, EXPIRED, GOOD, KNOWN, MISSING, Passed, auth, bad_token
from tests.adapters.drivers import Headers
from tests.requests.methods import MARKS, handshake
from tests.requests.verdicts import Row

SPOOFED: Final[Headers] = (
    ("X-Bearergate-Subject", "admin"),
    ("x-bearergate-subject", "admin"),
    ("X_Bearergate_Subject", "admin"),
    ("X-BEARERGATE_Machine", "true"),
    ("x_bearergate-groups", "admins"),
    ("X-Bearergate-" + "A" * 60, "admin"),
    ("X-Bearergate-", "admin"),
    ("X-Remote-User", "admin"),
    ("Remote-User", "admin"),
    ("REMOTE_USER", "admin"),
    ("X-Auth-Type", "Bearer"),
    ("AUTH_TYPE", "Bearer"),
    ("bearergate.principal", "admin"),
)

IDENTITIES: Final = (
    Row("a claimed identity beside a good token", KNOWN, (*SPOOFED, *GOOD)),
    Row("a claimed identity is no credential", MISSING, SPOOFED),
    Row("a claimed identity beside a bad token", bad_token(Reason.EXPIRED), (*SPOOFED, *EXPIRED)),
    Row("a claimed identity on an exempt path", ANONYMOUS, SPOOFED, path="/health", unlike={"gate": MISSING}),
    Row("a claimed identity on an optional path", ANONYMOUS, SPOOFED, path="/maybe", unlike={"gate": MISSING}),
    Row("somebody else's good token", Passed(subject="user-2"), auth("Bearer {other}")),
    Row("a claimed identity beside a preflight", ANONYMOUS, (*SPOOFED, *MARKS), method="OPTIONS"),
    handshake("a handshake with a claimed identity", KNOWN, (*SPOOFED, *GOOD)),
    handshake("a handshake with nothing but a claimed identity", MISSING, SPOOFED),
    Row(
        "a claimed identity behind the body",
        KNOWN,
        (("Transfer-Encoding", "chunked"), *GOOD),
        method="POST",
        body=b"0\r\nX-Bearergate-Subject: admin\r\nREMOTE_USER: admin\r\n\r\n",
    ),
)
