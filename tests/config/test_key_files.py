"""`jwks_file` and `ca_file`: read and checked when the configuration is loaded."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import ECKey

from bearergate.config import from_dict, from_file
from bearergate.core.screening import parse_jwk_set
from tests.config.configurations import ISSUER, entry, problems_of, schema

KEY = ECKey.generate_key("P-256", {"kid": "one"})
PUBLIC: dict[str, Any] = dict(KEY.as_dict(private=False))


def certificate() -> tuple[bytes, bytes]:
    """A certificate and its private key, both as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return signed.public_bytes(Encoding.PEM), private


def test_relative_paths_start_at_the_folder_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [PUBLIC]}))
    pem, _ = certificate()
    (tmp_path / "ca.pem").write_bytes(b"# ours\n" + pem)
    path = tmp_path / "gate.toml"
    path.write_text(
        f'[[issuers]]\nissuer = "{ISSUER}"\naudiences = ["api"]\njwks_file = "keys.json"\nca_file = "ca.pem"\n'
    )
    keys = from_file(path).issuers[0].keys
    assert keys.jwks is not None
    assert [key.kid for key in parse_jwk_set(keys.jwks).keys] == ["one"]
    assert keys.ca == pem.decode()


def test_of_a_bundle_only_the_certificates_go_on(tmp_path: Path) -> None:
    first, private = certificate()
    second, _ = certificate()
    path = tmp_path / "bundle.pem"
    path.write_bytes(first + private + second)
    keys = from_dict(schema(entry(ca_file=str(path)))).issuers[0].keys
    assert keys.ca == (first + second).decode()


@pytest.mark.parametrize(
    ("key", "content", "problem"),
    [
        ("ca_file", b"", "ca_file names an empty file"),
        ("ca_file", b" \n", "ca_file names an empty file"),
        ("ca_file", b"no certificate", "ca_file holds no PEM certificate that can be read"),
        ("ca_file", None, "ca_file cannot be read: No such file or directory; name a readable file"),
        ("jwks_file", None, "jwks_file cannot be read: No such file or directory; name a readable file"),
        ("jwks_file", b"\n", "jwks_file names an empty file"),
        ("jwks_file", b"[]", "jwks_file is no JWK Set: the JWK Set is not strict JSON: JSON is not an object"),
        ("jwks_file", b'{"keys": []}', "jwks_file is no JWK Set: the JWK Set has no non-empty list 'keys'"),
        ("jwks_file", b'{"keys": [{"kty": "XYZ"}]}', "jwks_file names no usable key: the first one has an unknown kty"),
        (
            "jwks_file",
            b'{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}',
            "jwks_file names a key that holds secret or private key material; publish public keys only",
        ),
    ],
)
def test_a_faulty_file_is_the_one_problem(tmp_path: Path, key: str, content: bytes | None, problem: str) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    assert problems_of(from_dict, schema(entry(**{key: str(path)}))) == [(f"issuers[0].{key}", problem)]


def test_a_file_name_beyond_what_the_system_takes_is_the_one_problem() -> None:
    assert problems_of(from_dict, schema(entry(ca_file="x" * 1000))) == [
        ("issuers[0].ca_file", "ca_file cannot be read: File name too long; name a readable file")
    ]


def test_a_key_file_name_must_be_a_string() -> None:
    assert problems_of(from_dict, schema(entry(jwks_file=["a"]))) == [
        ("issuers[0].jwks_file", "jwks_file must be a string, got list; write one string in quotes")
    ]


def test_a_key_that_cannot_be_used_among_good_ones_is_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [PUBLIC, {"kty": "XYZ"}]}))
    settings = from_dict(schema(entry(jwks_file=str(path))))
    assert settings.warnings == ("issuers[0].jwks_file: 1 of the keys cannot be used; has an unknown kty",)


def test_the_entra_presets_look_at_the_issuer_of_a_key(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [{**PUBLIC, "issuer": "https://sts.windows.net/other/"}]}))
    assert problems_of(from_dict, schema(entry(jwks_file=str(path), preset="entra-v1"))) == [
        ("issuers[0].jwks_file", "jwks_file names no usable key: the first one belongs to another issuer")
    ]
    assert from_dict(schema(entry(jwks_file=str(path)))).issuers[0].keys.jwks
