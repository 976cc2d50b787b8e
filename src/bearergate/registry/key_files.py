"""Key files: one signing key with its certificate, made, kept in a folder under the moment it begins to sign, and read.

A private key is readable by its owner alone and never leaves this package. Decides nothing about time.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import stat
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from bearergate.core.registry_tokens import libtrust_key_id

_BITS: Final = 2048
_EXPONENT: Final = 65537
_NAME: Final = re.compile(r"(\d{1,12})\.pem")
_DAY: Final = dt.timedelta(days=1)
_OTHERS: Final = stat.S_IRWXO
_CURE: Final = "; restore the file, or delete it and another key is made"


class KeyFolderProblem(Exception):
    """The folder of signing keys cannot be used. One sentence."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, the certificate that tells registries about it, and when it begins to sign."""

    begins: int
    """Seconds since the epoch."""
    private: rsa.RSAPrivateKey = field(repr=False)
    certificate: x509.Certificate = field(repr=False)

    @property
    def kid(self) -> str:
        """By which registries find it."""
        return libtrust_key_id(self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))

    def private_pem(self) -> bytes:
        """The private key in PEM (PKCS#8)."""
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def certificate_pem(self) -> bytes:
        """The certificate in PEM."""
        return self.certificate.public_bytes(Encoding.PEM)


def make_key(begins: int, name: str, lifetime: float) -> SigningKey:
    """A new key. `name`: of the service, in its certificate; `lifetime`: seconds for which that is good."""
    private = rsa.generate_private_key(_EXPONENT, _BITS)
    common_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name[:64])])
    start = dt.datetime.fromtimestamp(begins, dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(common_name)
        .issuer_name(common_name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        # It is published long before it signs, and clocks differ.
        .not_valid_before(start - dt.timedelta(seconds=lifetime) - _DAY)
        .not_valid_after(start + dt.timedelta(seconds=lifetime) + _DAY)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    return SigningKey(begins, private, certificate)


class KeyFolder:
    """A folder of key files. Several processes may share it."""

    def __init__(self, path: Path) -> None:
        """Creates the folder, for its owner alone, where there is none; raises KeyFolderProblem."""
        self._path = path
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if os.name == "posix" and path.stat().st_mode & _OTHERS:
                raise KeyFolderProblem("the folder of signing keys is open to every user of the machine: chmod o= it")
        except OSError as problem:
            raise _unusable(problem) from None

    @contextmanager
    def held(self) -> Generator[None, None, None]:
        """No other process changes the folder inside the block."""
        try:
            import fcntl
        except ModuleNotFoundError:
            yield
            return
        with _named_problem(), open(self._path / ".lock", "ab", opener=_private) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def begins(self) -> tuple[int, ...]:
        """When each key that is kept begins to sign."""
        with _named_problem():
            found = (_NAME.fullmatch(path.name) for path in self._path.iterdir())
            return tuple(sorted(int(name[1]) for name in found if name is not None))

    def read(self, begins: int) -> SigningKey:
        """One key; raises KeyFolderProblem."""
        path = self._path / f"{begins}.pem"
        with _named_problem():
            with path.open("rb") as file:
                if os.name == "posix" and os.fstat(file.fileno()).st_mode & _OTHERS:
                    raise KeyFolderProblem(
                        f"every user of the machine can read the signing key {path.name}: chmod 600 it"
                    )
                raw = file.read()
            try:
                private = load_pem_private_key(raw, None)
                certificate = x509.load_pem_x509_certificate(raw)
            except (ValueError, TypeError):
                raise KeyFolderProblem(f"{path.name} holds no signing key with its certificate{_CURE}") from None
        # Not one of each kind: registries would be told of a key that does not sign.
        if not isinstance(private, rsa.RSAPrivateKey) or certificate.public_key() != private.public_key():
            raise KeyFolderProblem(f"{path.name} holds a certificate of another key{_CURE}")
        return SigningKey(begins, private, certificate)

    def write(self, key: SigningKey) -> None:
        """Keep a key; whole or not at all."""
        with _named_problem():
            replace(self._path / f"{key.begins}.pem", key.private_pem() + key.certificate_pem(), mode=0o600)

    def delete(self, begins: Sequence[float]) -> None:
        """Keep these keys no longer."""
        with _named_problem():
            for each in begins:
                (self._path / f"{int(each)}.pem").unlink(missing_ok=True)


def replace(path: Path, content: bytes, *, mode: int) -> None:
    """Put a file in the place of another in one step, with these permissions from its first moment; raises OSError."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # Made for its owner alone; wider only when it is whole.
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


def _unusable(problem: OSError) -> KeyFolderProblem:
    cure = "name one in which this process may read and create files"
    return KeyFolderProblem(f"the folder of signing keys cannot be used: {problem.strerror}; {cure}")


@contextmanager
def _named_problem() -> Generator[None, None, None]:
    try:
        yield
    except OSError as problem:
        raise _unusable(problem) from None
