"""A Quay configuration, as a file or as Quay's own `app.config` -> Settings.

Reads the `*_LOGIN_CONFIG` blocks and nothing else of it; quay_schema.py knows what they mean.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from bearergate.config.file import read_file
from bearergate.config.located import Findings, locate
from bearergate.config.quay_schema import SUFFIX, quay_schema
from bearergate.config.schema import build
from bearergate.config.settings import Settings


def from_quay(config: str | os.PathLike[str] | Mapping[str, object], *, block: str | None = None) -> Settings:
    """Settings from a Quay `config.yaml`, or from the mapping that Quay makes of it.

    Every `*_LOGIN_CONFIG` block with an OIDC provider is read, or only the one named `block`; an issuer of two blocks
    is an error. Raises ConfigError with every problem at once, each with its block and key.
    """
    findings = Findings()
    if isinstance(config, Mapping):
        blocks = {key: value for key, value in config.items() if key.endswith(SUFFIX)}
        origins = partial("{} {}".format, "Quay config")
        root, folder = replace(locate(blocks, "", origins, "the Quay configuration"), origin=""), Path()
        return build(quay_schema(root, findings, block), findings, folder)
    read = read_file(config, findings)
    schema = None if read is None else quay_schema(read, findings, block)
    return build(schema, findings, Path(config).parent)
