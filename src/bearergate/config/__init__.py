"""Configuration: the environment, Flask's `app.config`, a YAML or TOML file, Quay's, or code -> one frozen Settings.

The only package that reads mappings, files or the environment; nothing else knows a configuration key.
"""

from __future__ import annotations

from bearergate.config.file import from_file
from bearergate.config.flat import from_flask, from_mapping, is_configured
from bearergate.config.quay import from_quay
from bearergate.config.schema import from_dict
from bearergate.config.settings import Settings

__all__ = ["Settings", "from_dict", "from_file", "from_flask", "from_mapping", "from_quay", "is_configured"]
