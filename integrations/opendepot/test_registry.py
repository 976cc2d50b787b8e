"""The registry without an issuer, and its tickets: what is looked up, what leads nowhere, what a ticket is good for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from bearergate.config.group_bindings import read_group_bindings
from bearergate.testing import FakeIssuer
from integrations.opendepot.__main__ import _parser, main
from integrations.opendepot.assembly import assemble
from integrations.opendepot.manifests import Manifests
from integrations.opendepot.packages import add_module
from integrations.opendepot.registry import MODULE_FILES, MODULES, PROVIDER_FILES, PROVIDERS
from integrations.opendepot.settings import Flags
from integrations.opendepot.storage import Storage
from integrations.opendepot.tickets import LASTS, Tickets

HERE = Path(__file__).parent
ARCHIVE = f"{MODULE_FILES}team/vpc/aws/1.0.0/1.0.0.tar.gz"


@dataclass
class Clock:
    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    add_module(tmp_path / "storage", "vpc", version="1.0.0", text="")
    add_module(tmp_path / "storage", "dns", version="1.0.0", text="")
    (tmp_path / "storage" / "secret.txt").write_text("secret", encoding="utf-8")
    return tmp_path / "storage"


def client(storage: Path, tickets: Tickets | None = None, *, issuer: FakeIssuer | None = None) -> TestClient:
    folder = storage.parent / "bindings"
    folder.mkdir(exist_ok=True)
    oidc = Flags(anonymous_auth=True) if issuer is None else Flags(issuer_url=issuer.issuer, client_id="opendepot")
    registry = assemble(
        oidc,
        storage=storage,
        manifests=Manifests(folder),
        environment={},
        fetch=None if issuer is None else issuer.fetch,
        tickets=tickets,
    )
    return TestClient(registry.application())


@pytest.mark.parametrize(
    "path",
    [
        f"{MODULES}team/vpc/gcp/versions",
        f"{MODULES}team/vpc/aws/2.0.0/download",
        f"{MODULES}team/vpc/aws/1/download",
        f"{MODULES}team/%2e%2e/vpc/versions",
        f"{MODULES}../../secret.txt",
        f"{MODULE_FILES}team/vpc/aws/1.0.0/secret.txt",
        f"{MODULE_FILES}team/vpc/aws/1.0.0/%2e%2e%2f%2e%2e%2fsecret.txt",
        f"{MODULE_FILES}%2e%2e/vpc/aws/1.0.0/1.0.0.tar.gz",
        f"{PROVIDERS}team/vpc/versions",
        f"{PROVIDERS}team/keys/versions",
        f"{PROVIDERS}team/vpc/1.0.0/download/linux/amd64",
        f"{PROVIDER_FILES}team/vpc/1.0.0/secret.txt",
        f"{PROVIDER_FILES}team/vpc/%2e%2e/secret.txt",
        "/opendepot/",
        "/",
    ],
)
def test_what_is_not_there_is_404(storage: Path, path: str) -> None:
    assert client(storage).get(path).status_code == 404


def test_names_that_lead_out_of_the_folder_are_looked_up_nowhere(tmp_path: Path) -> None:
    storage = Storage(tmp_path / "storage")
    add_module(tmp_path, "vpc", version="1.0.0", text="")
    for name in ("..", ".", "", "a/b", "/", "a\x00", "..\\..", "-", "a" * 65, "é"):
        assert storage.module_versions("team", name, "aws") == ()
        assert storage.module_archive("team", name, "aws", "1.0.0") is None
        assert storage.provider_file("team", name, "1.0.0", "x") is None
        assert storage.signing_keys(name) == ()
    for version in ("..", "1", "1.0", "1.0.0/..", "01.0.0", "1.0.0\n", "v1.0.0"):
        assert Storage(tmp_path).module_archive("team", "vpc", "aws", version) is None


def test_a_ticket_is_good_for_its_file_while_it_lasts_and_for_nothing_else(storage: Path) -> None:
    clock = Clock()
    issuer = FakeIssuer("https://dex.example.com", audience="opendepot")
    tickets = Tickets(clock=clock)
    asked = client(storage, tickets, issuer=issuer)
    url = tickets.url(ARCHIVE)
    assert asked.get(url).content == (storage / "modules/team/vpc/aws/1.0.0.tar.gz").read_bytes()
    assert asked.get(url).headers["Cache-Control"] == "private, no-store"
    ticket = url.partition("?ticket=")[2]
    until, _, proof = ticket.partition("-")
    for bad in ("", "x", "-", proof, f"{int(until) + 1}-{proof}", f"{until}-{proof[:-1]}", f"{until}-", f"+{ticket}"):
        assert asked.get(ARCHIVE, params={"ticket": bad}).status_code == 401
    for other in (ARCHIVE.replace("vpc", "dns"), f"{MODULES}team/vpc/aws/versions"):
        assert asked.get(other, params={"ticket": ticket}).status_code == 401
    # With a bad token it is no better than without one.
    assert asked.get(url, headers={"Authorization": "Bearer bad"}).status_code == 401
    clock.now += LASTS
    assert asked.get(url).status_code == 401


def test_another_registrys_ticket_is_worth_nothing_unless_they_share_a_key() -> None:
    clock = Clock()
    ticket = Tickets(b"k" * 32, clock=clock).url(ARCHIVE).partition("?ticket=")[2]
    assert not Tickets(clock=clock).admits(ARCHIVE, ticket)
    assert Tickets(b"k" * 32, clock=clock).admits(ARCHIVE, ticket)


def test_the_readme_starts_it_with_flags_that_there_are_and_manifests_that_mean_something() -> None:
    readme = (HERE / "README.md").read_text(encoding="utf-8")
    command = readme[readme.index("python -m integrations.opendepot") :].partition("\n$ ")[0].replace("\\\n", " ")
    given = _parser().parse_args(command.split()[3:])
    assert (given.oidc_client_id, given.oidc_allow_client_credentials) == ("opendepot", True)
    bindings = read_group_bindings(HERE.parents[1] / given.group_bindings)
    assert (bindings.problems, [binding.name for binding in bindings]) == ((), ["ci-pipeline", "platform", "teams"])


@pytest.mark.parametrize(
    ("mistaken", "sentence"),
    [
        ({"--storage": "nowhere"}, "--storage nowhere is no folder; name the one that holds modules/ or providers/"),
        ({"--tls-key": "k.pem"}, "--tls-key needs --tls-certificate; name both"),
        (
            {"--tls-certificate": "c.pem", "--tls-key": "k.pem"},
            "--tls-certificate and --tls-key cannot be used: No such file or directory; name a certificate and",
        ),
        (
            {"--tls-certificate": str(HERE / "README.md")},
            "--tls-certificate and --tls-key cannot be used: [SSL] PEM lib",
        ),
        ({"--group-bindings": "nowhere"}, "nowhere: is no folder that can be read: No such file or directory; name a"),
    ],
)
def test_a_mistaken_flag_is_one_sentence_and_no_traceback(
    storage: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    mistaken: dict[str, str],
    sentence: str,
) -> None:
    flags = {"--storage": str(storage), "--group-bindings": str(HERE / "bindings"), **mistaken}
    monkeypatch.setattr("sys.argv", ["opendepot", *(part for pair in flags.items() for part in pair)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert sentence in capsys.readouterr().err
