"""Chain: other ways than a trusted issuer's signature to find out who bears a token, asked in order.

"Not mine" is not "bad": whoever recognises a token judges it, and that is the end; what nobody recognises is the
validator's to judge. Emits one event per decision. Knows no framework and no such way itself: kubernetes.py does.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol, TypeAlias

from bearergate.authorizer import Authorizer
from bearergate.clocks import Clock, wall_clock
from bearergate.core.access import ANYBODY, Demand
from bearergate.core.admission import Admission, RequestFacts
from bearergate.core.authorization import Authorization
from bearergate.core.bindings import Binding, Bindings
from bearergate.core.claims import ISS
from bearergate.core.errors import ConfigError, Problem, Refusal, refusal
from bearergate.core.events import Observer
from bearergate.core.key_health import KeyHealth
from bearergate.core.principal import Principal
from bearergate.core.reasons import Reason
from bearergate.core.resources import Resource
from bearergate.decisions import Call
from bearergate.judgements import Judgement, Judgements
from bearergate.validator import Validator

_CODE: Final = "code"
"""The adapter's name in events when an application calls the chain itself."""


@dataclass(frozen=True, slots=True)
class UnverifiedBearer:
    """A token that names a configured issuer and that nobody has verified. It is nobody's identity.

    For a service behind the application that verifies it itself. Whoever gets one must hand it on, and to nobody else.
    """

    token: str = field(repr=False)
    issuer: str
    """The configured issuer that the token names; anybody could have written it there."""


Caller: TypeAlias = Principal | UnverifiedBearer


class Found(NamedTuple):
    """Who bears a token, and whether that was known from a moment ago."""

    caller: Caller
    remembered: bool = False


class Authenticator(Protocol):
    """One way to find out who bears a token. Safe to share between threads and event loops."""

    @property
    def issuer(self) -> str:
        """The issuer whose tokens these are. No other authenticator and no policy of the validator may name it."""
        ...

    def recognises(self, token: str) -> bool:
        """Whether the token is its to judge. Quick, waits for nothing, and takes any text whatsoever."""
        ...

    def authenticate(self, token: str) -> Found:
        """Judge a token that it recognises; raises a Refusal for a bad one, or where it cannot tell."""
        ...

    async def authenticate_async(self, token: str) -> Found:
        """The same, without blocking the event loop."""
        ...


class Chain:
    """Takes a validator's place in the adapters, and asks others about tokens that are theirs. Thread-safe."""

    def __init__(
        self,
        validator: Validator,
        authenticators: Iterable[Authenticator],
        *,
        observers: Iterable[Observer] = (),
        clock: Clock | None = None,
    ) -> None:
        """`observers`: are told of what the authenticators decide; the validator has its own.

        `clock`: wall clock in seconds since the epoch. Raises ConfigError for an issuer that two of them would judge.
        """
        self.audiences: frozenset[str] = validator.audiences
        self._validator = validator
        self._authenticators = tuple(authenticators)
        _check_issuers(validator, self._authenticators)
        self._judgements = Judgements(observers, clock or wall_clock)
        self._authorizer = Authorizer(self._judgements.decisions)

    @property
    def authorization(self) -> Authorization:
        """The validator's: bindings are about principals of either."""
        return self._validator.authorization

    def validate(self, token: str, *, audience: str | None = None, adapter: str = _CODE) -> Principal:
        """Prove a token and name its principal; see `Validator.validate`. An unverified bearer is refused."""
        owner = self._owner(token)
        if owner is None:
            return self._validator.validate(token, audience=audience, adapter=adapter)
        demand = self.checked(Demand(audience=audience))
        with self._judgements.begin(token, owner.issuer, adapter, self.authorization) as judgement:
            return _proven(owner.authenticate(token), demand, judgement)

    async def validate_async(self, token: str, *, audience: str | None = None, adapter: str = _CODE) -> Principal:
        """The same, without blocking the event loop: see `validate`."""
        owner = self._owner(token)
        if owner is None:
            return await self._validator.validate_async(token, audience=audience, adapter=adapter)
        demand = self.checked(Demand(audience=audience))
        with self._judgements.begin(token, owner.issuer, adapter, self.authorization) as judgement:
            return _proven(await owner.authenticate_async(token), demand, judgement)

    def admit(
        self, admission: Admission, request: RequestFacts, *, adapter: str, demand: Demand = ANYBODY
    ) -> Principal | None:
        """Judge a whole request for an adapter; see `Validator.admit`. An unverified bearer is refused."""
        asked = self._asked(admission, request)
        if asked is None:
            return self._validator.admit(admission, request, adapter=adapter, demand=demand)
        self.checked(demand)
        with self._judgements.begin(asked.token, asked.owner.issuer, adapter, self.authorization) as judgement:
            return _proven(asked.owner.authenticate(asked.token), demand, judgement)

    async def admit_async(
        self, admission: Admission, request: RequestFacts, *, adapter: str, demand: Demand = ANYBODY
    ) -> Principal | None:
        """The same, without blocking the event loop: see `admit`."""
        asked = self._asked(admission, request)
        if asked is None:
            return await self._validator.admit_async(admission, request, adapter=adapter, demand=demand)
        self.checked(demand)
        with self._judgements.begin(asked.token, asked.owner.issuer, adapter, self.authorization) as judgement:
            return _proven(await asked.owner.authenticate_async(asked.token), demand, judgement)

    def admit_unverified(self, admission: Admission, request: RequestFacts, *, adapter: str) -> Caller | None:
        """The same for a route that takes bearers whom nobody has verified: beside principals it lets those through.

        For routes only that hand the bearer on to whoever verifies it, and that decide nothing by what it says.
        """
        asked = self._asked(admission, request)
        if asked is None:
            return self._validator.admit(admission, request, adapter=adapter)
        with self._judgements.begin(asked.token, asked.owner.issuer, adapter, self.authorization) as judgement:
            return _let_through(asked.owner.authenticate(asked.token), judgement)

    async def admit_unverified_async(
        self, admission: Admission, request: RequestFacts, *, adapter: str
    ) -> Caller | None:
        """The same, without blocking the event loop: see `admit_unverified`."""
        asked = self._asked(admission, request)
        if asked is None:
            return await self._validator.admit_async(admission, request, adapter=adapter)
        with self._judgements.begin(asked.token, asked.owner.issuer, adapter, self.authorization) as judgement:
            return _let_through(await asked.owner.authenticate_async(asked.token), judgement)

    def demand(self, principal: Principal, demand: Demand, *, adapter: str) -> None:
        """Demand more of a caller who was admitted already; raises what the demand raises, and tells it."""
        if any(each.issuer == principal.issuer for each in self._authenticators):
            self._authorizer.demand_more(principal, demand, Call(adapter, self.authorization, principal=principal))
        else:
            self._validator.demand(principal, demand, adapter=adapter)

    def authorize(self, principal: Principal, resource: Resource, *, adapter: str = _CODE) -> Binding:
        """The binding that grants a resource to a principal of either; see `Validator.authorize`."""
        if any(each.issuer == principal.issuer for each in self._authenticators):
            call = Call(adapter, self.authorization, principal=principal)
            return self._authorizer.authorize(principal, resource, call)
        return self._validator.authorize(principal, resource, adapter=adapter)

    def replace_bindings(self, bindings: Bindings) -> None:
        """See `Validator.replace_bindings`."""
        self._validator.replace_bindings(bindings)

    def check_demands(self, demands: Mapping[str, Demand], routes: Iterable[tuple[str, Container[str]]] = ()) -> None:
        """See `Validator.check_demands`."""
        self._validator.check_demands(demands, routes)

    def checked(self, demand: Demand) -> Demand:
        """The demand, if a token can meet it at all; raises ConfigError."""
        return self._validator.checked(demand)

    def warm(self) -> Mapping[str, KeyHealth]:
        """See `Validator.warm`."""
        return self._validator.warm()

    async def warm_async(self) -> Mapping[str, KeyHealth]:
        """See `Validator.warm_async`."""
        return await self._validator.warm_async()

    def health(self) -> Mapping[str, KeyHealth]:
        """The state of the keys of the validator's issuers."""
        return self._validator.health()

    def _owner(self, token: str) -> Authenticator | None:
        return next((each for each in self._authenticators if each.recognises(token)), None)

    def _asked(self, admission: Admission, request: RequestFacts) -> _Asked | None:
        """Who is to judge the request's token; None where the validator is to judge the request."""
        bare = admission.bare_token(request)
        owner = None
        if bare is not None:
            # Nearly every token is the validator's, and need not be looked at twice.
            bare = bare.strip(" \t")
            owner = self._owner(bare)
            if owner is None:
                return None
        try:
            token = admission.token(request)
        except Refusal:
            # The validator finds the same, and tells it.
            return None
        if token is None:
            return None
        owner = owner if token == bare else self._owner(token)
        return None if owner is None else _Asked(token, owner)


class _Asked(NamedTuple):
    token: str
    owner: Authenticator

    def __repr__(self) -> str:
        # Not the token: error trackers keep local variables.
        return "_Asked()"


def _proven(found: Found, demand: Demand, judgement: Judgement) -> Principal:
    caller = found.caller
    if isinstance(caller, UnverifiedBearer):
        raise refusal(Reason.ISSUER_UNKNOWN, ISS)
    judgement.principal = caller
    judgement.granted = judgement.authorization.check(demand, caller)
    judgement.accepted(caller, cached=found.remembered)
    return caller


def _let_through(found: Found, judgement: Judgement) -> Caller:
    if isinstance(found.caller, Principal):
        return _proven(found, ANYBODY, judgement)
    judgement.let_through()
    return found.caller


def _check_issuers(validator: Validator, authenticators: Iterable[Authenticator]) -> None:
    """One issuer, one judge: otherwise a token that one refuses would be tried with the other."""
    taken = set(validator.spellings)
    for each in authenticators:
        if each.issuer in taken:
            cure = "name every issuer once"
            raise ConfigError([Problem(each.issuer, "is trusted in two ways", cure)])
        taken.add(each.issuer)
