"""Where a configuration under profile quay and Quay itself decide differently, and what each switch permits.

One rule each. A note says what Quay does, what happens here and, where there is one, the switch that restores it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from bearergate.config.profiles import QUAY
from bearergate.config.quay_schema import BY_SERVER
from bearergate.config.remarks import Level, Rule, Said, of_issuers
from bearergate.config.settings import Settings
from bearergate.core.policy import IssuerPolicy

_QUAYS_ALGORITHMS: Final = frozenset({"RS256", "RS384"})


def is_quay(settings: Settings) -> bool:
    """Whether the settings were read from the configuration of a Quay, or as if they were."""
    return settings.provenance.get("issuers[0].refuse_impersonated") == f"profile {QUAY}"


def _differs(
    key: str, says: str, cure: str, settings: Settings, *, where: Callable[[IssuerPolicy], bool] = lambda _: True
) -> Iterator[Said]:
    """The same sentence for every issuer of which something holds."""
    if is_quay(settings):
        for path, _ in of_issuers(settings, key, where):
            yield Said(path, says, cure)


def _of_several(key: str, says: str, cure: str, settings: Settings) -> Iterator[Said]:
    """The same sentence for every issuer of a block with several."""
    if is_quay(settings):
        # What the issuers of one block have in common stands in one place.
        blocks = Counter(
            settings.provenance.get(f"issuers[{index}].audiences") for index in range(len(settings.issuers))
        )
        for path, policy in of_issuers(settings, key, lambda each: not each.keys.shares_keys_with):
            if blocks[settings.provenance.get(f"issuers[{settings.issuers.index(policy)}].audiences")] > 1:
                yield Said(path, says, cure)


def _by_server(settings: Settings) -> Iterator[Said]:
    for index, policy in enumerate(settings.issuers):
        path = f"issuers[{index}].issuer"
        if is_quay(settings) and settings.provenance.get(path, "").endswith(BY_SERVER):
            yield Said(
                path,
                f"Quay asks OIDC_SERVER which issuer it is. Here it is {policy.issuer}, by its address.",
                "if the discovery document there names another issuer, write that one into OIDC_ISSUER",
            )


def _issuer_slash(settings: Settings) -> Iterator[Said]:
    for index, policy in enumerate(settings.issuers):
        path = f"issuers[{index}].issuer_slash"
        if is_quay(settings) and policy.aliases and settings.provenance.get(path, "default") != "default":
            yield Said(path, "One slash more or less at the end of iss is the same issuer.", "remove issuer_slash")


def _robots(switch: str, on: bool, says: str, cure: str, settings: Settings) -> Iterator[Said]:
    """What a switch that concerns robots permits, or what is different without it."""
    if is_quay(settings) and settings.registry is not None and getattr(settings.registry, switch) is on:
        yield Said(switch, says, cure)


def _is_strict_about_slashes(policy: IssuerPolicy) -> bool:
    return not policy.aliases


QUAY_RULES: Final = (
    Rule("issuer_slash", Level.WARNING, _issuer_slash),
    Rule(
        "robot_audience_optional",
        Level.WARNING,
        partial(
            _robots,
            "robot_audience_optional",
            True,
            "A robot's rule without audiences lets tokens for anybody in: a service that a workload calls can act "
            "as its robot with the token that it was sent.",
            "give every rule its audiences, then remove robot_audience_optional",
        ),
    ),
    Rule(
        "robot_messages",
        Level.WARNING,
        partial(
            _robots,
            "robot_messages",
            True,
            "The answers of robot federation tell strangers which robots there are, and why one is refused.",
            "remove robot_messages; the log says why",
        ),
    ),
    Rule(
        "quay_robot_audiences",
        Level.NOTE,
        partial(
            _robots,
            "robot_audience_optional",
            False,
            "Quay lets a robot's rule without audiences accept tokens for anybody, and mixes those of several rules. "
            "Here each rule is matched as a whole, and one without audiences lets nobody in.",
            "give every rule its audiences; robot_audience_optional: true restores the former",
        ),
    ),
    Rule(
        "quay_robot_messages",
        Level.NOTE,
        partial(
            _robots,
            "robot_messages",
            False,
            "Quay answers a refused robot with 400, 401 or 500 and says why. Here it is 401 with one sentence, or 503.",
            "read why in the log; robot_messages: true restores the answers",
        ),
    ),
    Rule(
        "quay_slash",
        Level.NOTE,
        partial(
            _differs,
            "issuer",
            "Quay passes over any number of slashes at the end of iss. Here iss is compared as a whole.",
            "write the issuer as its tokens do; OIDC_ISSUER_SLASH: true passes over one slash",
            where=_is_strict_about_slashes,
        ),
    ),
    Rule(
        "quay_own_keys",
        Level.NOTE,
        partial(
            _of_several,
            "issuer",
            "Quay verifies the tokens of every issuer of a block with the keys of OIDC_SERVER. "
            "Here each issuer's tokens need a key that this issuer publishes.",
            "nothing, where each issuer publishes its own (Entra ID does); OIDC_ISSUERS_SHARE_KEYS: true restores it",
        ),
    ),
    Rule("quay_issuer_of_server", Level.NOTE, _by_server),
    Rule(
        "quay_discovery",
        Level.NOTE,
        partial(
            _differs,
            "discovery_url",
            "Quay believes whatever document is at OIDC_SERVER. Here it must name the configured issuer.",
            "where it names another one, say where the keys are: OIDC_JWKS_URIS: {ISSUER: URL}",
            where=lambda each: each.keys.discovery_url is not None,
        ),
    ),
    Rule(
        "quay_nbf",
        Level.NOTE,
        partial(
            _differs,
            "skip_nbf",
            "Quay never looks at nbf. Here a token is refused before its time.",
            "compare the clocks; OIDC_SKIP_NBF: true restores it",
            where=lambda each: not each.skip_nbf,
        ),
    ),
    Rule(
        "quay_client_missing",
        Level.NOTE,
        partial(
            _differs,
            "allowed_clients",
            "Quay looks at azp only, and lets a token pass that names no client. Here client_id, azp, appid and cid "
            "count, and a token that names none is refused.",
            "nothing; v1 tokens of Entra ID name the client in appid",
            where=lambda each: each.allowed_clients is not None,
        ),
    ),
    Rule(
        "quay_client_id_audience",
        Level.NOTE,
        partial(
            _differs,
            "audiences",
            "As in Quay, CLIENT_ID is an audience beside OIDC_AUDIENCES: "
            "tokens that Quay's own login got open the API, too.",
            "nothing; bearergate's own configuration has no such audience",
            where=lambda each: len(each.audiences) > 1,
        ),
    ),
    Rule(
        "quay_algorithms",
        Level.NOTE,
        partial(
            _differs,
            "algorithms",
            "Quay takes RS256 and RS384 only. Here tokens may be signed with the others of this list, too.",
            "to take no others, OIDC_ALGORITHMS: [RS256, RS384]",
            where=lambda each: not _QUAYS_ALGORITHMS.issuperset(each.algorithms),
        ),
    ),
    Rule(
        "quay_kid",
        Level.NOTE,
        partial(
            _differs,
            "issuer",
            "Quay refuses a token without kid. Here it is accepted when exactly one key of the issuer fits.",
            "",
        ),
    ),
    Rule(
        "quay_identity",
        Level.NOTE,
        partial(
            _of_several,
            "issuer",
            "Quay knows a user by the block and sub. Here a user is the issuer and sub: equal subjects of two issuers "
            "are two people.",
            "where two issuers are one directory, link the accounts by a claim that both carry (in Entra ID: oid)",
        ),
    ),
    Rule(
        "quay_outage",
        Level.NOTE,
        partial(
            _differs,
            "issuer",
            "Quay answers 500 or 401 while keys cannot be obtained. Here it is 503 with Retry-After.",
            "",
        ),
    ),
)
