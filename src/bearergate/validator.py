"""Validator: begin, prove, check what a route demands; or remember what was proven, and check only that.

Sync and async are twins over the same steps. Emits one event per decision. Waits for nothing itself: prover.py does.
Knows no framework.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Final

from bearergate.authorizer import Authorizer
from bearergate.clocks import Clock, monotonic_clock, wall_clock
from bearergate.core.access import ANYBODY, Demand, check_demands
from bearergate.core.admission import Admission, RequestFacts
from bearergate.core.authorization import Authorization
from bearergate.core.bindings import Binding, Bindings
from bearergate.core.claims import ISS
from bearergate.core.errors import AuthenticationRequired, ConfigError, Problem, Refusal
from bearergate.core.events import Observer
from bearergate.core.examination import Examination
from bearergate.core.jwt import MAX_TOKEN_BYTES
from bearergate.core.key_health import KeyHealth
from bearergate.core.key_record import KeyRecord
from bearergate.core.keyring import KeyLifecycle
from bearergate.core.policy import IssuerPolicy
from bearergate.core.principal import Principal
from bearergate.core.report import Report
from bearergate.core.resources import Resource
from bearergate.core.validation import Validation
from bearergate.decisions import Call, Decisions
from bearergate.explanations import Explanations
from bearergate.fetch import Fetch
from bearergate.key_supply import KeySupply
from bearergate.keys import Keys
from bearergate.prover import Prover
from bearergate.verdicts import Verdict, VerdictBounds, Verdicts

_CODE: Final = "code"
"""The adapter's name in events when an application calls the validator itself."""
_ISSUERS_ONLY: Final = KeySupply()
_DEFAULT_BOUNDS: Final = VerdictBounds()


class Validator:
    """Accepts bearer tokens of the configured issuers. Thread-safe; one instance serves a whole application."""

    def __init__(  # noqa: PLR0913 - all but the first are named by whoever gives them
        self,
        issuers: Iterable[IssuerPolicy],
        *,
        lifecycle: KeyLifecycle | None = None,
        max_token_bytes: int = MAX_TOKEN_BYTES,
        fetch: Fetch | None = None,
        clock: Clock | None = None,
        monotonic: Clock | None = None,
        observers: Iterable[Observer] = (),
        policy_version: str = "",
        supply: KeySupply = _ISSUERS_ONLY,
        verdicts: VerdictBounds = _DEFAULT_BOUNDS,
        bindings: Bindings | None = None,
    ) -> None:
        """Fetches nothing and never fails because an issuer is down.

        `clock`: wall clock in seconds since the epoch, for claims; `monotonic`: clock in seconds for the age of keys.
        `fetch`: replaces HTTP for every issuer. `supply`: where keys come from besides their issuers. `bindings`: who
        may do what; without them nobody may ask. `policy_version`: of everything but the bindings, for events.
        Raises ConfigError when no issuer is given.
        """
        policies = tuple(issuers)
        if not policies:
            raise ConfigError([Problem("issuers", "must name at least one issuer", "set OIDC_ISSUERS")])
        self.issuers: tuple[str, ...] = tuple(policy.issuer for policy in policies)
        self.audiences: frozenset[str] = frozenset().union(*(policy.audiences for policy in policies))
        self._clock = clock or wall_clock
        self._validation = Validation(policies, max_token_bytes=max_token_bytes)
        self.spellings: frozenset[str] = frozenset(self._validation.issuers)
        self._decisions = Decisions(self._validation, observers, self._clock)
        self.authorization = Authorization(bindings, {each.issuer: each.groups for each in policies}, policy_version)
        self._authorizer = Authorizer(self._decisions)
        self._verdicts = Verdicts(verdicts, self._clock)
        self._keys = Keys(
            {policy.issuer: policy.keys for policy in policies},
            lifecycle,
            fetch=fetch,
            monotonic=monotonic or monotonic_clock,
            wall=self._clock,
            notify=self._decisions.tell,
            supply=supply,
        )
        self._prover = Prover(self._validation, self._keys, self._clock)
        self._explanations = Explanations(self._validation, self._keys, self._clock)

    def validate(self, token: str, *, audience: str | None = None, adapter: str = _CODE) -> Principal:
        """Prove a token and name its principal.

        `audience`: one of the configured audiences, demanded in addition; ConfigError for any other. `adapter`: who
        asks, in events. Raises InvalidToken and its subclasses (401), AccessDenied (403) or Unavailable (503);
        RFC 6750 section 3.1, RFC 8725, RFC 9068 section 4.
        """
        demand = ANYBODY if audience is None else self.checked(Demand(audience=audience))
        verdict = self._verdicts.find(token)
        return self._prove(token, demand, adapter) if verdict is None else self._repeat(verdict, demand, adapter)

    async def validate_async(self, token: str, *, audience: str | None = None, adapter: str = _CODE) -> Principal:
        """The same, without blocking the event loop: see `validate`."""
        demand = ANYBODY if audience is None else self.checked(Demand(audience=audience))
        verdict = self._verdicts.find(token)
        if verdict is not None:
            return self._repeat(verdict, demand, adapter)
        return await self._prove_async(token, demand, adapter)

    def admit(
        self, admission: Admission, request: RequestFacts, *, adapter: str, demand: Demand = ANYBODY
    ) -> Principal | None:
        """Judge a whole request for an adapter; None when it may pass anonymously.

        Raises what `validate` raises, AuthenticationRequired, InvalidRequest, and what the demand raises
        (RFC 6750 section 3.1). Whatever is decided, one event tells it.
        """
        if demand is not ANYBODY:
            self.checked(demand)
        # A token that is known already is well-formed, and so is the field that held it.
        bare = admission.bare_token(request)
        verdict = None if bare is None else self._verdicts.find(bare)
        if verdict is not None:
            return self._repeat(verdict, demand, adapter)
        token = self._presented(admission, request, adapter, demand)
        return None if token is None else self._prove(token, demand, adapter)

    async def admit_async(
        self, admission: Admission, request: RequestFacts, *, adapter: str, demand: Demand = ANYBODY
    ) -> Principal | None:
        """The same, without blocking the event loop: see `admit`."""
        if demand is not ANYBODY:
            self.checked(demand)
        bare = admission.bare_token(request)
        verdict = None if bare is None else self._verdicts.find(bare)
        if verdict is not None:
            return self._repeat(verdict, demand, adapter)
        token = self._presented(admission, request, adapter, demand)
        return None if token is None else await self._prove_async(token, demand, adapter)

    def demand(self, principal: Principal, demand: Demand, *, adapter: str) -> None:
        """Demand more of a caller who was admitted already; raises what the demand raises, and tells it."""
        self._authorizer.demand_more(principal, demand, Call(adapter, self.authorization, principal=principal))

    def authorize(self, principal: Principal, resource: Resource, *, adapter: str = _CODE) -> Binding:
        """The first binding that matches a principal of this validator, if it grants the resource.

        Raises AccessDenied (403) with `binding_none`, `binding_error`, `resource_not_granted`, or why there are no
        groups to decide by; ConfigError where no bindings are configured. One event tells what was decided.
        """
        call = Call(adapter, self.authorization, principal=principal)
        return self._authorizer.authorize(principal, resource, call)

    def replace_bindings(self, bindings: Bindings) -> None:
        """Decide by these bindings from now on, by all of them at once; also about tokens that are remembered.

        Calls that have begun are decided by those before. The `policy_version` of an event says which it was.
        """
        self.authorization = self.authorization.replaced(bindings)

    def check_demands(self, demands: Mapping[str, Demand], routes: Iterable[tuple[str, Container[str]]] = ()) -> None:
        """Raise ConfigError with every demand that nobody can meet here, by the path of who demands it.

        `routes`: for paths that are routes, the arguments that they have.
        """
        check_demands(demands, routes, self.audiences, has_bindings=self.authorization.has_bindings)

    def checked(self, demand: Demand) -> Demand:
        """The demand, if a token can meet it at all; raises ConfigError."""
        path = "audience" if demand.binding is None else "demand"
        problem = demand.problem(self.audiences, path, has_bindings=self.authorization.has_bindings)
        if problem is not None:
            raise ConfigError([problem])
        return demand

    def explain(self, token: str) -> Report:
        """What every row of the table of checks says of a token; never raises for a token."""
        return self._explanations.explain(token)

    async def explain_async(self, token: str) -> Report:
        """The same, without blocking the event loop."""
        return await self._explanations.explain_async(token)

    def warm(self) -> Mapping[str, KeyHealth]:
        """Fetch every issuer's keys that are not fresh, and report per issuer; never raises for an outage."""
        return self._keys.warm()

    async def warm_async(self) -> Mapping[str, KeyHealth]:
        """The same, without blocking the event loop."""
        return await self._keys.warm_async()

    def health(self) -> Mapping[str, KeyHealth]:
        """The state of every issuer's keys."""
        return self._keys.health()

    def key_records(self) -> tuple[KeyRecord, ...]:
        """The keys that were fetched, for a snapshot from which another process starts (`Seed`)."""
        return self._keys.records()

    def _presented(self, admission: Admission, request: RequestFacts, adapter: str, demand: Demand) -> str | None:
        try:
            return admission.token(request)
        except Refusal as error:
            if demand.optional and isinstance(error, AuthenticationRequired):
                return None
            self._decisions.rejected(error, Call(adapter, self.authorization))
            raise

    def _prove(self, token: str, demand: Demand, adapter: str) -> Principal:
        call = Call(adapter, self.authorization, token)
        try:
            unverified, policy = self._begin(token, call)
            call.principal = self._prover.prove(unverified, policy)
            self._remember(call, call.principal)
            if demand is not ANYBODY:
                call.granted = call.authorization.check(demand, call.principal)
        except Refusal as error:
            self._decisions.rejected(error, call)
            raise
        self._decisions.accepted(call.principal, call)
        return call.principal

    async def _prove_async(self, token: str, demand: Demand, adapter: str) -> Principal:
        call = Call(adapter, self.authorization, token)
        try:
            unverified, policy = self._begin(token, call)
            call.principal = await self._prover.prove_async(unverified, policy)
            self._remember(call, call.principal)
            if demand is not ANYBODY:
                call.granted = call.authorization.check(demand, call.principal)
        except Refusal as error:
            self._decisions.rejected(error, call)
            raise
        self._decisions.accepted(call.principal, call)
        return call.principal

    def _repeat(self, verdict: Verdict, demand: Demand, adapter: str) -> Principal:
        """The same verdict once more; what a route demands is looked at each time."""
        is_observed = self._decisions.are_observed()
        if demand is ANYBODY and not is_observed:
            return verdict.principal
        # With the token, of which a refusal tells what it told the first time.
        call = Call(adapter, self.authorization, verdict.token, verdict.principal)
        if demand is not ANYBODY:
            call.granted = self._authorizer.demand(verdict.principal, demand, call)
        if is_observed:
            self._decisions.repeated(verdict, call)
        return verdict.principal

    def _remember(self, call: Call, principal: Principal) -> None:
        unverified, policy, voucher = call.unverified, call.policy, call.voucher
        if voucher is None or unverified is None or policy is None:
            return
        since, until = self._validation.span(unverified, policy)
        token_issuer = unverified.claims.string(ISS) or ""
        self._verdicts.keep(
            Verdict(call.token, principal, unverified.header, token_issuer, voucher, call.generation, since, until)
        )

    def _begin(self, token: str, call: Call) -> tuple[Examination, IssuerPolicy]:
        call.unverified, call.policy = self._validation.begin(token)
        # Before the keys are asked for: should one go meanwhile, the verdict is dead when it is kept.
        if self._verdicts.are_kept:
            call.voucher = self._keys.voucher(call.policy.issuer)
            call.generation = 0 if call.voucher is None else call.voucher.generation(call.unverified.header)
        return call.unverified, call.policy
