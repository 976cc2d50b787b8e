"""A folder of GroupBinding manifests that changes while it is in force."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from bearergate import ConfigError, Resource, Validator
from bearergate.config.group_bindings import MODULE, read_group_bindings
from bearergate.core.bindings import Bindings
from bearergate.core.events import AccessGranted, Event
from bearergate.core.policy import IssuerPolicy
from bearergate.core.policy_version import version_with
from bearergate.testing import FakeIssuer
from integrations.opendepot.manifests import Manifests
from integrations.processes import wait_until

ISSUER = FakeIssuer("https://dex.example.com", audience="opendepot")
MANIFEST = """\
apiVersion: opendepot.defdev.io/v1alpha1
kind: GroupBinding
metadata: {{name: {name}}}
spec:
  expression: '{expression}'
  moduleResources: ["*"]
"""


@dataclass(frozen=True)
class Folder:
    path: Path

    def write(self, name: str, expression: str = "true") -> None:
        (self.path / f"{name}.yaml").write_text(MANIFEST.format(name=name, expression=expression), encoding="utf-8")

    def break_(self, text: str = "kind: [\n") -> None:
        (self.path / "broken.yaml").write_text(text, encoding="utf-8")

    def mend(self) -> None:
        (self.path / "broken.yaml").unlink()

    def open(self) -> Manifests:
        return Manifests(self.path)

    def names(self, manifests: Manifests, *, looks: int = 1) -> list[str]:
        """The bindings that are taken over after so many more looks."""
        for _ in range(looks):
            manifests.look()
        return [binding.name for binding in manifests.bindings]


@pytest.fixture
def folder(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Folder:
    caplog.set_level(logging.INFO, "opendepot")
    return Folder(tmp_path)


def test_a_change_is_in_force_when_two_looks_have_seen_the_same(folder: Folder) -> None:
    folder.write("a")
    manifests = folder.open()
    folder.write("b")
    assert folder.names(manifests, looks=0) == ["a"]
    assert folder.names(manifests) == ["a"]
    assert folder.names(manifests) == ["a", "b"]
    (folder.path / "a.yaml").unlink()
    assert folder.names(manifests, looks=2) == ["b"]


def test_a_folder_that_never_keeps_still_is_not_taken_over(folder: Folder) -> None:
    folder.write("a")
    manifests = folder.open()
    for number in range(5):
        folder.write("b", f"len(groups) > {number * 10}")
        assert folder.names(manifests) == ["a"]
    assert folder.names(manifests) == ["a", "b"]


def test_half_a_manifest_is_never_in_force(folder: Folder) -> None:
    # Cut off there it is a manifest, and a wider one.
    whole = MANIFEST.format(name="a", expression="x").replace("'x'", 'len(groups) > 0 && "ops" in groups')
    half = whole[: whole.index(" &&")]
    folder.write("a", "false")
    manifests = folder.open()
    (folder.path / "a.yaml").write_text(half, encoding="utf-8")
    folder.names(manifests)
    (folder.path / "a.yaml").write_text(whole, encoding="utf-8")
    for _ in range(4):
        folder.names(manifests)
        assert next(iter(manifests.bindings)).expression.text != "len(groups) > 0"
    assert next(iter(manifests.bindings)).expression.text == 'len(groups) > 0 && "ops" in groups'


@pytest.mark.parametrize(
    "text",
    [
        "kind: [\n",
        "kind: Gruppenbindung\n",
        MANIFEST.format(name="a", expression="true"),
        MANIFEST.format(name="c", expression="true").replace('["*"]', "everything"),
        "\N{REPLACEMENT CHARACTER}\x00",
    ],
    ids=["no YAML", "no manifest", "a name twice", "no list", "no text"],
)
def test_a_broken_folder_changes_nothing_and_the_log_says_so_once(
    folder: Folder, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    folder.write("a")
    manifests = folder.open()
    folder.write("b")
    folder.break_(text)
    assert folder.names(manifests, looks=5) == ["a"]
    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 1
    assert errors[0].startswith(
        "the manifests are broken, what they said before stays in force: configuration has 1 pro"
    )
    assert "broken.yaml" in errors[0]
    folder.mend()
    assert folder.names(manifests, looks=2) == ["a", "b"]
    assert caplog.records[-1].getMessage() == "2 bindings are in force"


def test_an_invalid_expression_breaks_nothing_and_is_named_in_the_log(
    folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    folder.write("a")
    manifests = folder.open()
    folder.write("a", "this is [[")
    folder.write("b")
    assert folder.names(manifests, looks=2) == ["a", "b"]
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 1
    assert warnings[0].startswith("a.expression (file ")
    # Mended, it is one like any other.
    folder.write("a", '"dev" in groups')
    folder.names(manifests, looks=2)
    assert manifests.bindings.problems == ()


def test_an_empty_folder_is_not_broken_and_grants_nothing(folder: Folder) -> None:
    folder.write("a")
    manifests = folder.open()
    (folder.path / "a.yaml").unlink()
    assert folder.names(manifests, looks=2) == []


def test_a_folder_that_is_gone_is_broken(folder: Folder, caplog: pytest.LogCaptureFixture) -> None:
    folder.write("a")
    manifests = folder.open()
    away = folder.path.rename(folder.path.with_name("away"))
    assert folder.names(manifests, looks=3) == ["a"]
    assert caplog.records[-1].levelname == "ERROR"
    away.rename(folder.path)
    assert folder.names(manifests, looks=2) == ["a"]


def test_a_registry_does_not_start_with_a_broken_folder(folder: Folder) -> None:
    folder.break_()
    with pytest.raises(ConfigError, match=r"broken\.yaml"):
        folder.open()
    with pytest.raises(ConfigError, match="no folder that can be read"):
        Manifests(folder.path / "elsewhere")


def test_a_volume_that_is_swapped_by_a_link_is_seen(tmp_path: Path) -> None:
    # As Kubernetes mounts a ConfigMap: links to files below a link that is replaced.
    for version in ("1", "2"):
        (tmp_path / f"..{version}").mkdir()
        Folder(tmp_path / f"..{version}").write("a", f"len(groups) > {version}")
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "a.yaml").symlink_to("..data/a.yaml")
    folder = Folder(tmp_path)
    manifests = folder.open()
    (tmp_path / "..new").symlink_to("..2")
    (tmp_path / "..new").rename(tmp_path / "..data")
    folder.names(manifests, looks=2)
    assert next(iter(manifests.bindings)).expression.text == "len(groups) > 2"


def test_everybody_is_judged_by_whole_sets(folder: Folder) -> None:
    """Threads ask while two files change all the time: each is judged by both old or both new, as its event tells."""
    events: list[Event] = []
    stop = threading.Event()

    def put(number: int) -> Bindings:
        for name in ("a", "b"):
            folder.write(name, f"len(groups) > {-number}")
        return read_group_bindings(folder.path)

    sets = [put(0)]
    manifests = folder.open()
    validator = _validator(manifests.bindings, events)
    principal = validator.validate(ISSUER.mint(groups=["dev"]))

    def ask() -> None:
        while not stop.wait(0.0005):
            validator.authorize(principal, Resource(MODULE, "vpc"))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    with manifests.watching(validator.replace_bindings, interval=0.002):
        for number in range(1, 20):
            sets.append(put(number))
            _eventually(validator, sets[-1])
    stop.set()
    for thread in threads:
        thread.join()
    told = {event.policy_version for event in events if isinstance(event, AccessGranted)}
    assert told <= {version_with(each, "") for each in sets}
    assert len(told) > 1


def test_who_watches_goes_on_whatever_happens(folder: Folder, caplog: pytest.LogCaptureFixture) -> None:
    class Shaken(Manifests):
        falls = 3

        def look(self) -> bool:
            self.falls -= 1
            if self.falls >= 0:
                raise OSError("the disk is gone")
            return super().look()

    folder.write("a")
    manifests = Shaken(folder.path)
    validator = _validator(manifests.bindings, [])
    folder.write("a", "len(groups) > 7")
    with manifests.watching(validator.replace_bindings, interval=0.002):
        _eventually(validator, read_group_bindings(folder.path))
    assert [record.getMessage() for record in caplog.records].count("looking at the manifests failed") == 3


def _validator(bindings: Bindings, events: list[Event]) -> Validator:
    policy = IssuerPolicy(issuer=ISSUER.issuer, audiences=frozenset({"opendepot"}))
    return Validator([policy], fetch=ISSUER.fetch, observers=[events.append], bindings=bindings)


def _eventually(validator: Validator, bindings: Bindings) -> None:
    def in_force() -> bool:
        return validator.authorization.policy_version == version_with(bindings, "")

    wait_until(in_force, deadline_seconds=30, what="the bindings to be in force")
