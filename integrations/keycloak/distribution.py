"""Where the Keycloak distribution comes from and where it is kept.

Knows coordinates, a digest, Java and a cache folder outside the repository. Knows nothing about realms and tokens, and
leaves no process behind.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from integrations.processes import IntegrationError, cache_folder, find_program, run

VERSION = "26.7.3"
COORDINATES = f"org.keycloak:keycloak-quarkus-dist:{VERSION}:zip"
# Coordinates name a version, the digest names its content: a different archive under the same name is refused, not run.
SHA256 = "27a6535553c3cdcd083872ba40629efafb3475e3b758e0c6f691395561dd0f1f"
OLDEST_JAVA = 17

# Options that Keycloak compiles in. A start that names others would compile again, into the cache that runs share.
BUILT_IN = ("start-dev", "--db=dev-mem")
_COMPILED = 10  # Keycloak's exit code for "compiled, start me again"
_SECONDS = 300.0


def new_home(home: Path) -> None:
    """Make `home` a Keycloak home of its own, so that concurrent and repeated runs do not disturb each other.

    All that a run writes is below `data`; the rest (190 MB) is linked.
    """
    for entry in _distribution().iterdir():
        if entry.name != "data":
            (home / entry.name).symlink_to(entry)
    for folder in ("import", "tmp"):
        (home / "data" / folder).mkdir(parents=True)


def java_command(home: Path) -> list[str]:
    """The command that runs Keycloak from `home`, without its arguments.

    Java itself and not `kc.sh`: that keeps a shell in between, and killing the shell would leave the server running.
    """
    open_packages = ("java.util", "java.util.concurrent", "java.security", "java.lang")
    return [
        _java(),
        "-Xmx512m",
        "-XX:TieredStopAtLevel=1",  # a test run issues few tokens: starting quickly is worth more than running quickly
        "-Djava.util.logging.manager=org.jboss.logmanager.LogManager",
        "-Djava.util.concurrent.ForkJoinPool.common.threadFactory=io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory",
        f"-Djava.io.tmpdir={home / 'data' / 'tmp'}",
        f"-Dkc.home.dir={home}",
        f"-Djboss.server.config.dir={home / 'conf'}",
        "-Dpicocli.disable.closures=true",
        *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in open_packages),
        "-cp",
        str(home / "lib" / "quarkus-run.jar"),
        "io.quarkus.bootstrap.runner.QuarkusEntryPoint",
    ]


def _distribution() -> Path:
    cache = cache_folder(f"keycloak-{VERSION}")
    ready = cache / "distribution"
    with _only_one(cache / "lock"):
        if not ready.is_dir():
            with tempfile.TemporaryDirectory(dir=cache, prefix="preparing-") as folder:
                unpacked = _fetch(Path(folder))
                _compile(unpacked)
                unpacked.rename(ready)  # the last step: an interrupted preparation leaves nothing that looks finished
    return ready


def _fetch(folder: Path) -> Path:
    maven = find_program("mvn", install="Maven, which fetches the Keycloak distribution")
    command = [maven, "--batch-mode", "--quiet", "--strict-checksums", "dependency:copy"]
    command += [f"-Dartifact={COORDINATES}", f"-DoutputDirectory={folder}"]
    run(command, cwd=folder, purpose=f"fetching {COORDINATES}")
    (archive,) = folder.glob("*.zip")
    with archive.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != SHA256:
        raise IntegrationError(f"{COORDINATES} has the SHA-256 digest {digest}, expected {SHA256}.")
    with zipfile.ZipFile(archive) as content:
        content.extractall(folder)
    return folder / f"keycloak-{VERSION}"


def _compile(unpacked: Path) -> None:
    """Let Keycloak compile its configuration once, in half a minute that every later start is spared."""
    (unpacked / "data" / "tmp").mkdir(parents=True)
    log = unpacked / "data" / "compile.log"
    with log.open("wb") as output:
        command = [*java_command(unpacked), *BUILT_IN]
        code = subprocess.run(
            command, cwd=unpacked, stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=_SECONDS, check=False
        ).returncode
    if code != _COMPILED:
        said = log.read_text(errors="replace")[-2000:]
        raise IntegrationError(f"Keycloak did not compile its configuration, exit code {code}:\n{said}")


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    needed = f"a JDK {OLDEST_JAVA} or later, which runs Keycloak"
    java = str(Path(home) / "bin" / "java") if home else find_program("java", install=needed)
    if not Path(java).is_file():
        raise IntegrationError(f"JAVA_HOME holds no `bin/java`: install {needed}.")
    # Asked for before each start: a class-file error deep in a log would not tell anybody what to install.
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', told)
    if version is None or int(version[1]) < OLDEST_JAVA:
        raise IntegrationError(f"`{java}` is too old: install {needed}.")
    return java


@contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    """Two test runs that start together prepare once."""
    with lock.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
