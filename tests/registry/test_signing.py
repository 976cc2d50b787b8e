"""Signing keys: made, kept, renewed, told to registries; and what becomes of a folder that is not as it should be."""

from __future__ import annotations

import json
import os
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bearergate import ConfigError
from bearergate.core.jwt import decode_object
from bearergate.core.registry_tokens import REGISTRY_TYP, ServiceNames, libtrust_key_id
from bearergate.registry.key_files import KeyFolderProblem
from bearergate.registry.signing import CERTIFICATES, JWKS, PublishFolderProblem, Signing
from bearergate.testing import FakeIssuer
from tests.registry.service import running_service

NAMES = ServiceNames("https://registry.test", "registry.test")
NOW = 1_800_000_000.0
DAY = 86400.0


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def signing(clock: Clock, folder: Path | None = None, publish: Path | None = None) -> Signing:
    return Signing(NAMES, period=DAY, folder=folder, publish=publish, clock=clock)


def kid_of(token: str) -> str:
    return str(decode_object(token.partition(".")[0])["kid"])


def kids(signing: Signing) -> list[str]:
    return [key["kid"] for key in json.loads(signing.jwks)["keys"]]


def signs(signing: Signing) -> str:
    return kid_of(signing.sign({"sub": "x"}, REGISTRY_TYP))


@pytest.mark.parametrize("kept", [True, False])
def test_the_key_of_now_and_the_next_one_are_told_in_both_forms(clock: Clock, tmp_path: Path, kept: bool) -> None:
    ours = signing(clock, tmp_path / "keys" if kept else None)
    certificates = x509.load_pem_x509_certificates(ours.certificates)
    material = [
        each.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for each in certificates
    ]
    assert [libtrust_key_id(each) for each in material] == kids(ours)
    assert (len(kids(ours)), signs(ours)) == (2, kids(ours)[0])
    assert {key.kid for key in ours.keys.keys} == set(kids(ours))
    assert b"PRIVATE" not in ours.certificates
    assert not {"d", "p", "q"} & set(json.loads(ours.jwks)["keys"][0])


@pytest.mark.parametrize("kept", [True, False])
def test_the_next_key_signs_in_its_time_without_being_looked_after(clock: Clock, tmp_path: Path, kept: bool) -> None:
    ours = signing(clock, tmp_path / "keys" if kept else None)
    first, second = kids(ours)
    clock.now += DAY - 1
    assert signs(ours) == first
    clock.now += 1
    assert signs(ours) == second
    ours.refresh()
    assert kids(ours)[:2] == [first, second]
    third = kids(ours)[2]
    clock.now += 3 * 3600
    ours.refresh()
    assert kids(ours) == [second, third]


def test_certificates_are_good_while_their_key_signs(clock: Clock) -> None:
    for each in x509.load_pem_x509_certificates(signing(clock).certificates):
        assert each.not_valid_before_utc.timestamp() <= NOW
        assert each.not_valid_after_utc.timestamp() >= NOW + 2 * DAY


def test_keys_are_there_after_a_restart_and_for_their_owner_alone(clock: Clock, tmp_path: Path) -> None:
    first = signing(clock, tmp_path / "keys")
    again = signing(clock, tmp_path / "keys")
    assert (kids(first), first.certificates) == (kids(again), again.certificates)
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    files = list((tmp_path / "keys").iterdir())
    assert len([path for path in files if path.suffix == ".pem"]) == 2
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_several_processes_share_a_folder_and_its_keys(clock: Clock, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        many = list(pool.map(lambda _: signing(clock, tmp_path / "keys"), range(4)))
    assert len({tuple(kids(each)) for each in many}) == 1
    clock.now += DAY
    many[0].refresh()
    many[1].refresh()
    assert kids(many[0]) == kids(many[1])
    assert signs(many[2]) in kids(many[0])


def test_what_is_published_follows_the_keys(clock: Clock, tmp_path: Path) -> None:
    ours = signing(clock, tmp_path / "keys", tmp_path)
    assert (tmp_path / JWKS).read_bytes() == ours.jwks
    assert (tmp_path / CERTIFICATES).read_bytes() == ours.certificates
    assert stat.S_IMODE((tmp_path / CERTIFICATES).stat().st_mode) == 0o644
    before = (tmp_path / CERTIFICATES).stat().st_mtime_ns
    ours.refresh()
    assert (tmp_path / CERTIFICATES).stat().st_mtime_ns == before
    clock.now += DAY
    ours.refresh()
    assert (tmp_path / CERTIFICATES).read_bytes() == ours.certificates
    assert ours.certificates.count(b"BEGIN CERTIFICATE") == 3


def spoil(folder: Path) -> None:
    next(folder.glob("*.pem")).write_bytes(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")


def swap(folder: Path) -> None:
    first, second = sorted(folder.glob("*.pem"))
    key, other = first.read_bytes(), second.read_bytes()
    marker = b"-----BEGIN CERTIFICATE-----"
    first.write_bytes(key.partition(marker)[0] + b"".join(other.partition(marker)[1:]))


def open_to_all(folder: Path) -> None:
    next(folder.glob("*.pem")).chmod(0o604)


def open_folder(folder: Path) -> None:
    folder.chmod(0o755)


@pytest.mark.parametrize(
    ("damage", "cure"),
    [
        (spoil, "holds no signing key with its certificate; restore the file, or delete it and another key is made"),
        (swap, "holds a certificate of another key; restore the file, or delete it and another key is made"),
        (open_to_all, "chmod 600 it"),
        (open_folder, "chmod o= it"),
    ],
)
def test_a_folder_that_is_not_as_it_should_be_stops_the_start(
    clock: Clock, tmp_path: Path, damage: Any, cure: str
) -> None:
    signing(clock, tmp_path / "keys")
    damage(tmp_path / "keys")
    with pytest.raises(KeyFolderProblem, match=re.escape(cure)):
        signing(clock, tmp_path / "keys")


def test_a_key_file_that_is_spoiled_may_be_deleted(clock: Clock, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    signing(clock, keys)
    for path in sorted(keys.glob("*.pem")):
        path.write_bytes(b"spoiled")
        with pytest.raises(KeyFolderProblem, match=path.name):
            signing(clock, keys)
        path.unlink()
        ours = signing(clock, keys)
        assert (len(kids(ours)), signs(ours)) == (2, kids(ours)[0])


def test_a_folder_that_cannot_be_made_stops_the_start(clock: Clock, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(KeyFolderProblem, match="Not a directory; name one in which this process may read and create"):
        signing(clock, tmp_path / "file" / "keys")
    with pytest.raises(PublishFolderProblem, match="Not a directory; name one in which this process may create files"):
        signing(clock, None, tmp_path / "file" / "public")


@pytest.mark.parametrize(("key", "path"), [("key_folder", "registry.keys"), ("publish_folder", "registry.publish")])
def test_the_setting_whose_folder_cannot_be_used_is_named(tmp_path: Path, key: str, path: str) -> None:
    (tmp_path / "file").write_text("x")
    people = FakeIssuer("https://people.test")
    folder: Any = {key: str(tmp_path / "file" / "folder")}
    with pytest.raises(ConfigError) as caught, running_service(people, people, **folder):
        pass
    assert caught.value.path == path


def test_the_folder_for_registries_is_made_and_they_may_read_it(clock: Clock, tmp_path: Path) -> None:
    public = tmp_path / "a" / "public"
    before = os.umask(0o022)
    try:
        ours = signing(clock, None, public)
    finally:
        os.umask(before)
    assert (public / JWKS).read_bytes() == ours.jwks
    assert stat.S_IMODE(public.stat().st_mode) == 0o755


def test_keys_at_hand_are_used_while_they_cannot_be_renewed(
    clock: Clock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ours = signing(clock, tmp_path / "keys")
    known = kids(ours)
    for path in (tmp_path / "keys").iterdir():
        path.unlink()
    (tmp_path / "keys").rmdir()
    clock.now += DAY
    ours.refresh()
    assert (kids(ours), signs(ours)) == (known, known[1])
    assert "could not be renewed" in caplog.text


def test_private_keys_are_not_printed(clock: Clock) -> None:
    ours = signing(clock)
    assert "PRIVATE" not in repr(ours._held)
    assert "private" not in repr(ours._held)
