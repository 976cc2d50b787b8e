"""What the registry offers: a folder of module archives and provider packages.

    modules/NAMESPACE/NAME/SYSTEM/VERSION.tar.gz                       or .zip
    providers/NAMESPACE/TYPE/VERSION/terraform-provider-TYPE_VERSION_OS_ARCH.zip
    providers/NAMESPACE/TYPE/VERSION/terraform-provider-TYPE_VERSION_SHA256SUMS, and the same with .sig
    providers/NAMESPACE/keys/KEYID.asc                                 the keys that sign these sums

Names come from requests: none is looked up that could lead out of the folder. Knows no HTTP and no token.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROTOCOLS: Final = ("5.0",)
"""The plugin protocol that providers here speak."""
ARCHIVES: Final = (".tar.gz", ".zip")

_NAME: Final = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z_-]{0,62}[0-9A-Za-z])?")
_VERSION: Final = re.compile(
    r"(?:0|[1-9]\d{0,8})(?:\.(?:0|[1-9]\d{0,8})){2}(?:-[0-9A-Za-z.-]{1,64})?(?:\+[0-9A-Za-z.-]{1,64})?"
)
_PACKAGE: Final = re.compile(r"terraform-provider-[0-9A-Za-z_-]+_[^_]+_(?P<os>[0-9a-z]+)_(?P<arch>[0-9a-z]+)\.zip")
_SUM: Final = re.compile(r"(?P<sum>[0-9a-f]{64})[ ]{1,2}\*?(?P<file>[^\s/]+)")


@dataclass(frozen=True, slots=True)
class Package:
    """A provider for one platform."""

    filename: str
    os: str
    arch: str
    sha256: str


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An OpenPGP public key."""

    key_id: str
    ascii_armor: str


class Storage:
    """The folder. What is put into it is offered at once."""

    def __init__(self, folder: Path) -> None:
        self._modules = folder / "modules"
        self._providers = folder / "providers"

    def module_versions(self, namespace: str, name: str, system: str) -> tuple[str, ...]:
        """Versions of a module; none for one that is not there."""
        found = _files(_below(self._modules, namespace, name, system))
        versions = {path.name.removesuffix(end) for path in found for end in ARCHIVES if path.name.endswith(end)}
        return tuple(sorted(version for version in versions if _VERSION.fullmatch(version)))

    def module_archive(self, namespace: str, name: str, system: str, version: str) -> Path | None:
        """The archive of one version."""
        folder = _below(self._modules, namespace, name, system)
        if folder is None or not _VERSION.fullmatch(version):
            return None
        return next((path for end in ARCHIVES if (path := folder / f"{version}{end}").is_file()), None)

    def provider_versions(self, namespace: str, kind: str) -> dict[str, tuple[Package, ...]]:
        """Versions of a provider with what there is of each."""
        found = _files(_below(self._providers, namespace, kind))
        versions = sorted(path.name for path in found if _VERSION.fullmatch(path.name))
        return {version: self.packages(namespace, kind, version) for version in versions}

    def packages(self, namespace: str, kind: str, version: str) -> tuple[Package, ...]:
        """The packages of one version whose sum was published."""
        sums_file = self.provider_file(namespace, kind, version, sums_name(kind, version))
        if sums_file is None:
            return ()
        lines = (_SUM.fullmatch(line) for line in sums_file.read_text(encoding="ascii", errors="replace").splitlines())
        sums = {line["file"]: line["sum"] for line in lines if line}
        parsed = {name: _PACKAGE.fullmatch(name) for name in sums}
        return tuple(
            Package(filename=name, os=of["os"], arch=of["arch"], sha256=sums[name])
            for name, of in sorted(parsed.items())
            if of and self.provider_file(namespace, kind, version, name)
        )

    def provider_file(self, namespace: str, kind: str, version: str, file: str) -> Path | None:
        """A package of one version, its sums, or their signature; nothing else."""
        folder = _below(self._providers, namespace, kind)
        if folder is None or not _VERSION.fullmatch(version):
            return None
        sums = sums_name(kind, version)
        begins_right = file.startswith(f"terraform-provider-{kind}_{version}_")
        if file not in (sums, f"{sums}.sig") and not (begins_right and _PACKAGE.fullmatch(file)):
            return None
        path = folder / version / file
        return path if path.is_file() else None

    def signing_keys(self, namespace: str) -> tuple[SigningKey, ...]:
        """The keys that the sums of a namespace may be signed with."""
        found = _files(_below(self._providers, namespace, "keys"))
        keys = sorted(path for path in found if path.suffix == ".asc")
        return tuple(SigningKey(path.stem, path.read_text(encoding="ascii")) for path in keys)


def sums_name(kind: str, version: str) -> str:
    """The file with the sums of one version."""
    return f"terraform-provider-{kind}_{version}_SHA256SUMS"


def _below(root: Path, *names: str) -> Path | None:
    return root.joinpath(*names) if all(_NAME.fullmatch(name) for name in names) else None


def _files(folder: Path | None) -> list[Path]:
    return list(folder.iterdir()) if folder is not None and folder.is_dir() else []
