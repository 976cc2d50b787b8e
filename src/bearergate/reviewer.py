"""Reviewer: one question about one token to the API server of a cluster, with a credential of our own.

The credential and the certificates are read from their files for every question: Kubernetes renews both in place.
Sequential; runs in a flight's thread. Understands no answer, and puts neither secret into what it says.
"""

from __future__ import annotations

import os
import re
import stat
from http import HTTPStatus
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from bearergate.core.bearer import AUTHORIZATION, RETRY_AFTER, SCHEME, bearer_token
from bearergate.core.errors import Refusal
from bearergate.core.service_accounts import ClusterPolicy
from bearergate.core.token_review import PATH, review_request
from bearergate.fetch import Fetched, FetchFailed, HttpFetch, Post

_ANSWERED: Final = frozenset({HTTPStatus.OK, HTTPStatus.CREATED})
_NOT_LET: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_MAX_ANSWER: Final = 128 * 1024
"""Bytes. It repeats the question, with a token of up to 16 KiB, and lists groups."""
_MAX_FILE: Final = 1024 * 1024
_SECONDS: Final = re.compile(r"[0-9]{1,6}")
_LONGEST_PAUSE: Final = 60.0
# Opening a pipe that nobody writes to would otherwise last for ever.
_AT_ONCE: Final = getattr(os, "O_NONBLOCK", 0)


class ReviewFailed(Exception):
    """No answer was had. One sentence; `pause`: seconds for which the API server wants to be left alone."""

    def __init__(self, sentence: str, *, pause: float = 0.0) -> None:
        super().__init__(sentence)
        self.pause = pause


class Reviewer:
    """Asks one cluster's API server. Safe to share between threads."""

    def __init__(self, policy: ClusterPolicy, *, post: Post | None = None, connect_timeout: float = 2.0) -> None:
        """`post`: replaces HTTP. `connect_timeout`: seconds."""
        self._policy = policy
        self._url = (policy.api_server or "").removesuffix("/") + PATH
        self._post = post
        self._connect_timeout = connect_timeout
        self._http: tuple[bytes | None, HttpFetch] | None = None

    def prepare(self) -> None:
        """Read both files; raises ReviewFailed where a review could not even begin."""
        self._credential()
        self._transport()

    def ask(self, token: str, deadline: float) -> bytes:
        """The body of the answer; raises ReviewFailed. `deadline`: seconds of `clocks.monotonic_clock`."""
        headers = {AUTHORIZATION: f"{SCHEME} {self._credential()}"}
        question = review_request(token, self._policy.audiences)
        post = self._transport()
        try:
            answer = post(self._url, question, headers=headers, deadline=deadline, max_bytes=_MAX_ANSWER)
        except FetchFailed as failure:
            raise ReviewFailed(f"the API server could not be asked: {failure}") from None
        if answer.status in _NOT_LET:
            raise ReviewFailed(
                f"the API server does not let us review tokens (status {answer.status}): "
                "see that the token in token_file is good and may create tokenreviews.authentication.k8s.io"
            )
        if answer.status not in _ANSWERED:
            raise ReviewFailed(f"the API server answered with status {answer.status}", pause=_pause(answer))
        return answer.body

    def _credential(self) -> str:
        raw = _content(self._policy.token_file or "", "token_file")
        try:
            return bearer_token([b"%b %b" % (SCHEME.encode("ascii"), raw.strip())])
        except Refusal:
            raise ReviewFailed("token_file holds no token") from None

    def _transport(self) -> Post:
        if self._post is not None:
            return self._post
        raw = None if self._policy.ca_file is None else _content(self._policy.ca_file, "ca_file")
        known = self._http
        if known is None or known[0] != raw:
            ca = None if raw is None else _certificates(raw)
            known = self._http = (raw, HttpFetch(ca=ca, connect_timeout=self._connect_timeout))
        return known[1].post


def _certificates(raw: bytes) -> str:
    try:
        certificates = x509.load_pem_x509_certificates(raw)
    except ValueError:
        raise ReviewFailed("ca_file holds no PEM certificate that can be read") from None
    # Only the certificates go on: bundles sometimes hold comments in other alphabets.
    return "".join(certificate.public_bytes(Encoding.PEM).decode("ascii") for certificate in certificates)


def _content(path: str, name: str) -> bytes:
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | _AT_ONCE)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ReviewFailed(f"{name} names no regular file")
            raw = file.read(_MAX_FILE + 1)
    except (OSError, ValueError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else None
        raise ReviewFailed(f"{name} cannot be read: {why or 'not a usable path'}") from None
    if len(raw) > _MAX_FILE:
        raise ReviewFailed(f"{name} names a file of more than {_MAX_FILE // 1024 // 1024} MiB")
    return raw


def _pause(answer: Fetched) -> float:
    """For how many seconds the API server wants to be left alone (RFC 9110 section 10.2.3); dates are not read."""
    said = answer.headers.get(RETRY_AFTER.lower(), "")
    return min(float(said), _LONGEST_PAUSE) if _SECONDS.fullmatch(said) else 0.0
