"""`python -m integrations.opendepot`: the registry on a port of this machine, until SIGTERM.

Starts uvicorn in this process. Judges nothing.
"""

from __future__ import annotations

import argparse
import logging
import os
import ssl
import sys
from pathlib import Path
from typing import NoReturn

import uvicorn

from bearergate import ConfigError
from integrations.opendepot.assembly import assemble
from integrations.opendepot.manifests import Manifests
from integrations.opendepot.settings import Flags


def main() -> None:
    """Serve until told to stop."""
    parser = _parser()
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    flags = Flags(
        issuer_url=given.oidc_issuer_url,
        client_id=given.oidc_client_id,
        groups_claim=given.oidc_groups_claim,
        allow_client_credentials=given.oidc_allow_client_credentials,
        authz_url=given.oidc_authz_url,
        token_url=given.oidc_token_url,
        anonymous_auth=given.anonymous_auth,
    )
    _check_storage(given.storage)
    _check_tls(given.tls_certificate, given.tls_key)
    try:
        manifests = Manifests(given.group_bindings)
        registry = assemble(flags, storage=given.storage, manifests=manifests, environment=os.environ)
    except ConfigError as error:
        _give_up(str(error))
    uvicorn.run(
        registry.application(),
        host=given.host,
        port=given.port,
        ssl_certfile=given.tls_certificate,
        ssl_keyfile=given.tls_key,
        log_config=None,
        # An access log would repeat every ticket.
        access_log=False,
        proxy_headers=False,
        server_header=False,
        ws="none",
        lifespan="on",
        # Whoever keeps a connection open must not keep the process.
        timeout_graceful_shutdown=3,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m integrations.opendepot", allow_abbrev=False)
    parser.add_argument("--storage", type=Path, required=True, help="folder of module archives and provider packages")
    parser.add_argument("--group-bindings", type=Path, required=True, help="folder of GroupBinding manifests")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8443)
    parser.add_argument("--tls-certificate", help="PEM file; Terraform and OpenTofu speak to nobody without TLS")
    parser.add_argument("--tls-key", help="PEM file")
    for name in ("issuer-url", "client-id", "groups-claim", "authz-url", "token-url"):
        parser.add_argument(f"--oidc-{name}", default="")
    parser.add_argument("--oidc-allow-client-credentials", action="store_true")
    parser.add_argument("--anonymous-auth", action="store_true", help="let everybody in; only without an issuer")
    return parser


def _check_storage(folder: Path) -> None:
    if not folder.is_dir():
        _give_up(f"--storage {folder} is no folder; name the one that holds modules/ or providers/")


def _check_tls(certificate: str | None, key: str | None) -> None:
    if certificate is None and key is None:
        return
    if certificate is None:
        _give_up("--tls-key needs --tls-certificate; name both")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except OSError as problem:
        _give_up(
            f"--tls-certificate and --tls-key cannot be used: {problem.strerror}; name a certificate and its key, PEM"
        )


def _give_up(text: str) -> NoReturn:
    print(text, file=sys.stderr)
    raise SystemExit(1)


if __name__ == "__main__":
    main()
