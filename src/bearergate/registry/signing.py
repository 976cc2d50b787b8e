"""Signing: the keys with which the service signs now and next, what registries are told of them, and the signature.

Keys are looked after outside of requests (`refresh`); a request signs with what is at hand. When a key is made, signs
and ends is decided by core/key_rotation.py.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from joserfc import jwt
from joserfc.jwk import RSAKey

from bearergate.clocks import Clock, wall_clock
from bearergate.core.claims import Json
from bearergate.core.jwk import KeySet
from bearergate.core.key_rotation import LINGER, Rotation, rotate
from bearergate.core.registry_tokens import ALGORITHM, ServiceNames
from bearergate.core.screening import parse_jwk_set
from bearergate.registry.key_files import KeyFolder, KeyFolderProblem, SigningKey, make_key, replace

CERTIFICATES: Final = "certificates.pem"
JWKS: Final = "jwks.json"

_log: Final = logging.getLogger("bearergate.registry")


class PublishFolderProblem(KeyFolderProblem):
    """The folder for registries cannot be written to. One sentence."""


@dataclass(frozen=True, slots=True)
class _Signer:
    begins: int
    kid: str
    key: RSAKey


@dataclass(frozen=True, slots=True)
class _Published:
    """Everything that is known at one moment; replaced as a whole."""

    signers: tuple[_Signer, ...]
    jwks: bytes
    certificates: bytes
    keys: KeySet


class Signing:
    """The signing keys of the service. Safe to share between threads."""

    def __init__(
        self,
        names: ServiceNames,
        *,
        period: float,
        folder: Path | None = None,
        publish: Path | None = None,
        clock: Clock = wall_clock,
    ) -> None:
        """Make or read the keys.

        `period`: seconds for which each signs. `folder`: where they are kept; without it they are made now and gone
        with the process. `publish`: a folder into which the certificates and the JWK Set are written for registries
        that read files; created where there is none. Raises KeyFolderProblem.
        """
        self._names = names
        self._period = period
        self._folder = None if folder is None else KeyFolder(folder)
        self._publish = publish
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[int, SigningKey] = {}
        self._published: _Published = self._look_after()

    def refresh(self) -> None:
        """Do what has become due, see what other processes did, and publish; keeps what is at hand when it fails."""
        try:
            self._published = self._look_after()
        except KeyFolderProblem as problem:
            _log.error("signing keys could not be renewed: %s", problem)

    def sign(self, claims: Mapping[str, Json], typ: str) -> str:
        """The claims as a signed token."""
        now = self._clock()
        signers = self._published.signers
        signer = next((each for each in reversed(signers) if each.begins <= now), signers[0])
        header = {"alg": ALGORITHM, "kid": signer.kid, "typ": typ}
        return jwt.encode(header, dict(claims), signer.key, algorithms=[ALGORITHM])

    @property
    def keys(self) -> KeySet:
        """With which tokens of ours are verified."""
        return self._published.keys

    @property
    def jwks(self) -> bytes:
        """The JWK Set of every published key, for registries from version 3 on."""
        return self._published.jwks

    @property
    def certificates(self) -> bytes:
        """The certificates of every published key in PEM, for registries before version 3."""
        return self._published.certificates

    def _look_after(self) -> _Published:
        with self._lock:
            if self._folder is None:
                keys = self._in_memory()
            else:
                with self._folder.held():
                    keys = self._in_folder(self._folder)
            published = _published(keys)
            self._write(published)
            return published

    def _in_memory(self) -> list[SigningKey]:
        plan = self._plan(tuple(self._held))
        self._held |= {int(each): self._made(each) for each in plan.missing}
        self._held = {int(each): self._held[int(each)] for each in plan.published}
        return list(self._held.values())

    def _in_folder(self, folder: KeyFolder) -> list[SigningKey]:
        plan = self._plan(folder.begins())
        for each in plan.missing:
            folder.write(self._made(each))
        folder.delete(plan.over)
        self._held = {int(each): self._held.get(int(each)) or folder.read(int(each)) for each in plan.published}
        return list(self._held.values())

    def _plan(self, begins: tuple[int, ...]) -> Rotation:
        return rotate(begins, int(self._clock()), self._period)

    def _made(self, begins: float) -> SigningKey:
        return make_key(int(begins), self._names.service, 2 * self._period + LINGER)

    def _write(self, published: _Published) -> None:
        if self._publish is None:
            return
        try:
            self._publish.mkdir(mode=0o755, parents=True, exist_ok=True)
            for name, content in ((CERTIFICATES, published.certificates), (JWKS, published.jwks)):
                path = self._publish / name
                if not path.exists() or path.read_bytes() != content:
                    replace(path, content, mode=0o644)
        except OSError as problem:
            fault = f"the folder for registries cannot be written to: {problem.strerror}"
            raise PublishFolderProblem(f"{fault}; name one in which this process may create files") from None


def _published(keys: list[SigningKey]) -> _Published:
    signers = tuple(_Signer(key.begins, key.kid, RSAKey.import_key(key.private_pem())) for key in keys)
    listed = [{**each.key.as_dict(private=False), "kid": each.kid, "alg": ALGORITHM, "use": "sig"} for each in signers]
    jwks = json.dumps({"keys": listed}, sort_keys=True).encode("ascii")
    certificates = b"".join(key.certificate_pem() for key in keys)
    return _Published(signers, jwks, certificates, parse_jwk_set(jwks))
