"""What a configuration permits that deserves a look: one rule each, over settings that can be used as they are.

A warning is about what lets more in than its operator may know; a note explains. Whether a configuration can be used at
all is decided elsewhere. Knows no source; the differences to Quay are in lint_quay.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bearergate.config.lint_quay import QUAY_RULES, is_quay
from bearergate.config.remarks import Level, Place, Remark, Rule, Said, of_issuers
from bearergate.config.settings import Settings
from bearergate.core.metadata import ENTRA_V1, ENTRA_V2
from bearergate.core.policy import MachineMode, TokenKind
from bearergate.core.service_accounts import ClusterMode

LONG_LEEWAY: Final = 60
LONG_STALE: Final = 4 * 3600
_FLAT: Final = ("environment ", "Flask config ")
_ID_TOKENS: Final = (TokenKind.ANY, TokenKind.ID_TOKEN)
_PUBLIC_ISSUERS: Final = frozenset(
    {"https://token.actions.githubusercontent.com", "https://gitlab.com", "https://accounts.google.com"}
)
_SHARED_AUDIENCES: Final = frozenset(
    {
        # Microsoft Graph, by its two names, and Azure's management: every application has tokens for them.
        "00000003-0000-0000-c000-000000000000",
        "https://graph.microsoft.com",
        "https://management.azure.com",
        # Keycloak puts it into every token.
        "account",
    }
)
_ENTRA: Final = (ENTRA_V1, ENTRA_V2)


def lint(settings: Settings) -> tuple[Remark, ...]:
    """Every remark on settings, warnings before notes."""
    found: dict[tuple[str, Level, str, str], list[Place]] = {}
    for rule in (*RULES, *QUAY_RULES):
        for said in rule.look(settings):
            place = Place(said.path, settings.provenance.get(said.path, ""))
            found.setdefault((rule.code, rule.level, said.says, said.cure), []).append(place)
    remarks = [Remark(*what, places=tuple(places)) for what, places in found.items()]
    return tuple(sorted(remarks, key=lambda remark: remark.level is not Level.WARNING))


def _cross_product(settings: Settings) -> Iterator[Said]:
    origins = {settings.provenance.get(f"issuers[{index}].audiences", "") for index in range(len(settings.issuers))}
    if len(settings.issuers) > 1 and len(origins) == 1 and origins.pop().startswith(_FLAT):
        for path, _ in of_issuers(settings, "audiences", lambda _: True):
            yield Said(
                path,
                "Every issuer is trusted for every audience, and all have the same settings.",
                "write a configuration file, with audiences and clients of its own for each issuer",
            )


def _shared_keys(settings: Settings) -> Iterator[Said]:
    for path, policy in of_issuers(settings, "shares_keys_with", lambda each: bool(each.keys.shares_keys_with)):
        others = ", ".join(policy.keys.shares_keys_with)
        yield Said(
            path,
            f"Whoever holds a key of {others} can make tokens that name {policy.issuer} as their issuer.",
            "remove it, unless both are one party that publishes its keys in one place only",
        )


def _machines_compat(settings: Settings) -> Iterator[Said]:
    for path, policy in of_issuers(
        settings, "machine_clients.mode", lambda each: each.machines.mode is MachineMode.COMPAT
    ):
        who = "the listed clients" if policy.machines.allow else "any client"
        yield Said(
            path,
            f"Any token of the issuer to {who} for an audience that is not ours is let in as a machine's.",
            "set machine_clients.mode: strict and list the clients in machine_clients.allow",
        )


def _any_client(settings: Settings) -> Iterator[Said]:
    for path, policy in of_issuers(
        settings, "allowed_clients", lambda each: each.allowed_clients is None and len(each.audiences) > 1
    ):
        yield Said(
            path,
            f"Any client may act that the issuer gives a token for one of {len(policy.audiences)} audiences.",
            "list in allowed_clients who may act, or name the one audience of this resource",
        )


def _shared_audience(settings: Settings) -> Iterator[Said]:
    for path, policy in of_issuers(
        settings, "audiences", lambda each: not _SHARED_AUDIENCES.isdisjoint(each.audiences)
    ):
        named = ", ".join(sorted(_SHARED_AUDIENCES & policy.audiences))
        yield Said(
            path,
            f"{named} is the audience of tokens that every application of the issuer can get.",
            "name an audience that is this resource's alone",
        )


def _public_issuer(settings: Settings) -> Iterator[Said]:
    for path, _ in of_issuers(
        settings,
        "issuer",
        lambda each: each.issuer in _PUBLIC_ISSUERS and not each.require and each.allowed_clients is None,
    ):
        yield Said(
            path,
            "Anybody in the world can get a token of this issuer for any audience.",
            "demand with require what only your own tokens say, such as repository_owner_id, namespace_id or hd",
        )


def _long_leeway(settings: Settings) -> Iterator[Said]:
    for path, policy in of_issuers(settings, "leeway", lambda each: each.leeway > LONG_LEEWAY):
        yield Said(
            path,
            f"A token is accepted for {policy.leeway} seconds after it has expired.",
            f"synchronise the clocks; {LONG_LEEWAY} seconds are enough then",
        )


def _insecure_http(settings: Settings) -> Iterator[Said]:
    for path, _ in of_issuers(settings, "allow_insecure_http", lambda each: each.keys.allow_insecure_http):
        yield Said(
            path,
            "Keys may be fetched without TLS: whoever can answer in the issuer's place decides whose tokens are good.",
            "use https, with ca_file for a certificate authority of your own",
        )


def _skip_nbf(settings: Settings) -> Iterator[Said]:
    for path, _ in of_issuers(settings, "skip_nbf", lambda each: each.skip_nbf):
        yield Said(path, "A token is accepted before its time (nbf), as Quay does.", "remove skip_nbf")


def _aliases(settings: Settings) -> Iterator[Said]:
    for path, policy in of_issuers(settings, "aliases", lambda each: bool(each.aliases)):
        spelt = ", ".join(policy.aliases)
        yield Said(path, f"Tokens that spell iss {spelt} are taken for {policy.issuer}'s.", "")


def _id_tokens(settings: Settings) -> Iterator[Said]:
    for path, _ in of_issuers(settings, "token_kind", lambda each: each.token_kind in _ID_TOKENS):
        yield Said(
            path,
            "ID tokens are accepted: what a client got to learn who logged in opens this resource, too.",
            "set token_kind: access_token once every client sends its access token",
        )


def _entra_without_preset(settings: Settings) -> Iterator[Said]:
    for path, _ in of_issuers(
        settings, "issuer", lambda each: each.issuer.startswith(_ENTRA) and not each.keys.tenant_keys_only
    ):
        yield Said(
            path,
            "One key document of Entra ID holds the keys of many tenants, and all of them count here.",
            "name the tenant by its id, as its tokens do" if is_quay(settings) else "set preset: entra-v1 or entra-v2",
        )


def _entra_v2_audience(settings: Settings) -> Iterator[Said]:
    for path, _ in of_issuers(
        settings,
        "audiences",
        lambda each: (
            each.issuer.startswith(_ENTRA)
            and each.issuer.endswith("/v2.0")
            and all("://" in audience for audience in each.audiences)
        ),
    ):
        yield Said(
            path,
            "In v2 tokens of Entra ID aud is the client id of the API, and no audience here can be one.",
            "add the client id of the API's registration",
        )


def _long_stale(settings: Settings) -> Iterator[Said]:
    if settings.lifecycle.stale_if_error > LONG_STALE:
        yield Said(
            "keys.stale_if_error",
            f"While an issuer fails, keys are used for {settings.lifecycle.stale_if_error:g} seconds past their time: "
            "a key that was withdrawn meanwhile is among them.",
            "shorten it; with a snapshot or shared keys a service starts and runs without it",
        )


def _expired_snapshot(settings: Settings) -> Iterator[Said]:
    if settings.supply.seed is not None and settings.supply.seed.allow_expired:
        yield Said(
            "allow_expired_snapshot",
            "A service may start with keys of any age: one that was withdrawn long ago is as good as any.",
            "export the snapshot more often",
        )


def _passthrough(settings: Settings) -> Iterator[Said]:
    for index, cluster in enumerate(settings.service_accounts):
        if cluster.mode is ClusterMode.PASSTHROUGH:
            yield Said(
                f"service_accounts[{index}].mode",
                "Routes that ask for it get a bearer that nobody has verified.",
                "set mode: token_review, unless what stands behind such a route verifies the token itself",
            )


def _private_issuers(settings: Settings) -> Iterator[Said]:
    if settings.registry is not None and settings.registry.allow_private_issuers:
        yield Said(
            "registry.allow_private_issuers",
            "Whoever may write the rules of a robot can have this service ask hosts of your own network.",
            "leave it off, unless only trusted people manage robots",
        )


RULES: Final = (
    Rule("cross_product", Level.WARNING, _cross_product),
    Rule("shared_keys", Level.WARNING, _shared_keys),
    Rule("machines_compat", Level.WARNING, _machines_compat),
    Rule("any_client", Level.WARNING, _any_client),
    Rule("shared_audience", Level.WARNING, _shared_audience),
    Rule("public_issuer", Level.WARNING, _public_issuer),
    Rule("long_leeway", Level.WARNING, _long_leeway),
    Rule("insecure_http", Level.WARNING, _insecure_http),
    Rule("skip_nbf", Level.WARNING, _skip_nbf),
    Rule("long_stale", Level.WARNING, _long_stale),
    Rule("expired_snapshot", Level.WARNING, _expired_snapshot),
    Rule("passthrough", Level.WARNING, _passthrough),
    Rule("private_issuers", Level.WARNING, _private_issuers),
    Rule("entra_without_preset", Level.WARNING, _entra_without_preset),
    Rule("entra_v2_audience", Level.WARNING, _entra_v2_audience),
    Rule("id_tokens", Level.NOTE, _id_tokens),
    Rule("aliases", Level.NOTE, _aliases),
)
