"""oidc-provider as package-lock.json names it: installed once, kept outside the repository.

Knows Node.js, npm and the cache folder. Must not know the provider's configuration, tokens or ports.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

from integrations.processes import cache_folder, find_program, run

_HERE = Path(__file__).parent
_PACKAGE_FILES = ("package.json", "package-lock.json")


def node() -> str:
    """The Node.js program."""
    return find_program("node", install="Node.js 20 or later, on which oidc-provider runs")


def lay_out(folder: Path) -> Path:
    """Put server.mjs into a folder with its packages beside it, where Node.js looks for them; return its path."""
    (folder / "node_modules").symlink_to(_node_modules(), target_is_directory=True)
    return Path(shutil.copy(_HERE / "server.mjs", folder))


def _node_modules() -> Path:
    digest = hashlib.sha256((_HERE / "package-lock.json").read_bytes()).hexdigest()[:16]
    folder = cache_folder(f"oidc-provider-{digest}")
    installed = folder / "node_modules"
    if installed.exists():
        return installed
    npm = find_program("npm", install="npm, which comes with Node.js and installs oidc-provider")
    # Installed beside its place and moved there in one step: another test run never meets half of it.
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        for name in _PACKAGE_FILES:
            shutil.copy(_HERE / name, scratch)
        command = [npm, "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"]
        run(command, cwd=Path(scratch), purpose="installing oidc-provider")
        try:
            (Path(scratch) / "node_modules").rename(installed)
        except OSError:
            # Another run was faster; its packages are the same ones.
            if not installed.exists():
                raise
    return installed
