"""Where one issuer's keys come from: `discovery_url`, `jwks_uri`, `jwks_file`, `ca_file`, `shares_keys_with`.

Reads the two files, so that a broken one stops the start and not the first request. Fetches nothing.
"""

from __future__ import annotations

from pathlib import Path

from bearergate.config.content import Unusable, read_content
from bearergate.config.located import Located
from bearergate.config.section import Section
from bearergate.config.urls import read_url
from bearergate.core.policy import KeySource
from bearergate.core.screening import KeySetError, parse_jwk_set


def read_key_source(section: Section, folder: Path, issuer: str) -> KeySource:
    """The key settings of one issuer; relative paths start at `folder`."""
    insecure = section.flag("allow_insecure_http")
    tenant_keys_only = section.flag("tenant_keys_only")
    _refuse_two_sources(section)
    return KeySource(
        discovery_url=read_url(section, "discovery_url", allow_insecure_http=insecure),
        jwks_uri=read_url(section, "jwks_uri", allow_insecure_http=insecure),
        jwks=_jwk_set(section, folder, issuer if tenant_keys_only else None),
        ca=_certificates(section, folder),
        shares_keys_with=section.texts("shares_keys_with") or (),
        allow_insecure_http=insecure,
        tenant_keys_only=tenant_keys_only,
        slash_by_discovery=section.flag("slash_by_discovery"),
    )


def _refuse_two_sources(section: Section) -> None:
    given = [key for key in ("discovery_url", "jwks_uri", "jwks_file") if key in section.members]
    if len(given) > 1:
        at = section.members[given[0]]
        section.findings.problem(at, f"cannot be used beside {' and '.join(given[1:])}", "keep one of them")


def _content(section: Section, key: str, folder: Path, *, guarded: bool) -> tuple[Located, bytes] | None:
    """The content of the file that a key names, beside the key as written."""
    name = section.text(key)
    if name is None:
        return None
    at = section.members[key]
    try:
        return at, read_content(folder / name, guarded=guarded)
    except Unusable as flaw:
        section.findings.problem(at, flaw.problem, flaw.cure)
        return None


def _jwk_set(section: Section, folder: Path, tenant_of: str | None) -> bytes | None:
    found = _content(section, "jwks_file", folder, guarded=True)
    if found is None:
        return None
    at, raw = found
    try:
        keys = parse_jwk_set(raw, tenant_of=tenant_of)
    except KeySetError as problem:
        section.findings.problem(at, f"is no JWK Set: {problem}")
        return None
    dangerous = next((entry for entry in keys.dropped if entry.alarm), None)
    if dangerous is not None:
        section.findings.problem(at, f"names a key that {dangerous.why}", "publish public keys only")
    elif not keys.keys:
        section.findings.problem(at, f"names no usable key: the first one {keys.dropped[0].why}")
    elif keys.dropped:
        section.findings.warn(f"{at.path}: {len(keys.dropped)} of the keys cannot be used; {keys.dropped[0].why}")
    return raw


def _certificates(section: Section, folder: Path) -> str | None:
    found = _content(section, "ca_file", folder, guarded=False)
    if found is None:
        return None
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    at, raw = found
    try:
        certificates = x509.load_pem_x509_certificates(raw)
    except ValueError:
        section.findings.problem(at, "holds no PEM certificate that can be read")
        return None
    # Only the certificates go on: bundles sometimes hold comments, or a private key that belongs nowhere else.
    return "".join(certificate.public_bytes(Encoding.PEM).decode("ascii") for certificate in certificates)
