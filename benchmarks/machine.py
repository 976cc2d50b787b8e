"""What a run was taken on: processor, system, versions, how busy the machine was. Names no host and no user."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

BUSY: Final = 0.5
"""Load per core from which figures are rough."""


def describe() -> dict[str, str]:
    return {
        "processor": processor(),
        "cores": str(cores()),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "load before": f"{load_of_a_core():.2f} per core",
    }


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load_of_a_core() -> float:
    """The load average of the last minute."""
    return os.getloadavg()[0] / cores() if hasattr(os, "getloadavg") else 0.0


def is_busy() -> bool:
    return load_of_a_core() > BUSY


def processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else platform.processor() or platform.machine()


def file_name(date: str, machine: Mapping[str, str], versions: Mapping[str, str]) -> str:
    """`<date>-<machine>.json`, where the machine is its processor, its cores and its Python."""
    name = re.sub(r"\((R|TM)\)|CPU|@.*", "", machine["processor"], flags=re.IGNORECASE)
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    python = "".join(versions["python"].split(".")[:2])
    return f"{date}-{slug}-{machine['cores']}-cores-py{python}.json"


def openssl() -> str:
    from cryptography.hazmat.backends.openssl.backend import backend

    # `OpenSSL 4.0.3 1 Jan 2027`
    return backend.openssl_version_text().split()[1]


def versions(of_workers: Iterable[Mapping[str, str]], interesting: Iterable[str]) -> dict[str, str]:
    """The versions of what was measured. Where two differ the first is told: our own workers come first."""
    merged: dict[str, str] = {}
    for found in of_workers:
        for name, version in found.items():
            merged.setdefault(name, version)
    return {name: merged[name] for name in interesting if name in merged}
