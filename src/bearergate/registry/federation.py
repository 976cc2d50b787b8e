"""Federation: a workload shows a token of its own issuer and gets one of a robot that trusts it.

An issuer is asked for its keys only when a rule of that very robot names it, and its address is public unless the
operator allows others. Decides by core/trust.py; does the waiting. Knows of a request only its credential.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, ParamSpec, TypeVar

from starlette.concurrency import run_in_threadpool

from bearergate.clocks import Clock, monotonic_clock
from bearergate.core.basic import BasicFault, Credentials, basic_credentials
from bearergate.core.errors import Refusal, Unavailable, refusal
from bearergate.core.keyring import KeyLifecycle
from bearergate.core.policy import IssuerPolicy, KeySource
from bearergate.core.principal import Principal
from bearergate.core.reasons import Reason
from bearergate.core.registry_events import RobotRejected, RobotTokenIssued
from bearergate.core.registry_policy import RegistryPolicy
from bearergate.core.registry_tokens import is_issued_by, robot_token_policy
from bearergate.core.robots import Robot, RobotName, RobotProblem, RobotRefused, robot_name, robot_principal
from bearergate.core.trust import TrustRule, match, policy_for, read_claimed
from bearergate.core.validation import Validation
from bearergate.decisions import said_by
from bearergate.fetch import Fetch, HttpFetch
from bearergate.keys import Keys
from bearergate.prover import Prover
from bearergate.registry.audit import RegistryAudit
from bearergate.registry.issuing import Issued, Issuing
from bearergate.registry.store import RobotStore, StoreUnavailable
from bearergate.registry.turnstile import Turnstile

_log: Final = logging.getLogger("bearergate.registry")
# Discovery only, and nothing that one tenant's rule could say of another tenant's issuer.
_BY_DISCOVERY: Final = KeySource()
_READING: Final = Validation(())
_MAX_DOCUMENT: Final = 128 * 1024
_MAX_KEYS: Final = 100
_PROBLEMS: Final = {
    BasicFault.MISSING: RobotProblem.CREDENTIALS_MISSING,
    BasicFault.OTHER_SCHEME: RobotProblem.CREDENTIALS_NOT_BASIC,
    BasicFault.UNREADABLE: RobotProblem.CREDENTIALS_UNREADABLE,
    BasicFault.NOT_A_PAIR: RobotProblem.CREDENTIALS_NOT_A_PAIR,
}

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


async def from_store(
    call: Callable[Arguments, Result], *arguments: Arguments.args, **named: Arguments.kwargs
) -> Result:
    """What a call of the store returns, without blocking the event loop; raises Unavailable."""
    try:
        return await run_in_threadpool(call, *arguments, **named)
    except StoreUnavailable as failure:
        raise Unavailable(Reason.UPSTREAM_UNAVAILABLE, cause=str(failure)) from None


def _for_strangers(numbers: KeyLifecycle) -> KeyLifecycle:
    """The same life for keys, of documents that are no larger than those of real platforms: there may be 1000."""
    return replace(numbers, max_bytes=min(numbers.max_bytes, _MAX_DOCUMENT), max_keys=min(numbers.max_keys, _MAX_KEYS))


class Federation:
    """Robots that workloads act as."""

    def __init__(
        self,
        policy: RegistryPolicy,
        store: RobotStore,
        issuing: Issuing,
        audit: RegistryAudit,
        *,
        lifecycle: KeyLifecycle | None = None,
        fetch: Fetch | None = None,
        monotonic: Clock = monotonic_clock,
    ) -> None:
        """`fetch` replaces HTTP for every issuer."""
        self._any_audience = policy.robot_audience_optional
        self._store = store
        self._issuing = issuing
        self._audit = audit
        numbers = _for_strangers(lifecycle or KeyLifecycle())
        http = fetch or HttpFetch(connect_timeout=numbers.connect_timeout, public_only=not policy.allow_private_issuers)
        # Nobody is notified: who observes counts by issuer, and tenants could name any number of them.
        self._keys = Keys({}, numbers, fetch=http, monotonic=monotonic, wall=issuing.clock)
        self._turnstile = Turnstile()
        self._own = Validation([robot_token_policy(policy.names)])

    def presented(self, authorization: Sequence[str]) -> Credentials:
        """The user name and the password of a request; raises RobotRefused, which one event tells."""
        credentials = basic_credentials(authorization)
        if isinstance(credentials, BasicFault):
            raise self._told(_PROBLEMS[credentials])
        return credentials

    def named(self, username: str) -> RobotName:
        """The robot that a user name is of; raises RobotRefused, which one event tells."""
        name = robot_name(username)
        if name is None:
            raise self._told(RobotProblem.NOT_A_ROBOT)
        return name

    async def exchange(self, name: RobotName, token: str) -> Issued:
        """A robot token for a workload's own; raises RobotRefused. Whatever is decided, one event tells it."""
        try:
            workload, rule = await self._workload(name, token)
        except RobotRefused as refused:
            self._rejected(refused, token)
            raise
        issued = self._issuing.robot_token(name, workload, rule)
        self._audit.tell(
            RobotTokenIssued(
                time=self._issuing.clock(),
                robot=name,
                workload=workload,
                token_id=issued.token_id,
                expires_at=issued.life.ends,
            )
        )
        return issued

    async def authenticate(self, name: RobotName, token: str) -> Robot:
        """The robot that a token of ours is of, while the rule by which it was issued is there; raises RobotRefused."""
        try:
            return await self._robot(name, token)
        except RobotRefused as refused:
            self._rejected(refused, token)
            raise

    def _told(self, problem: RobotProblem) -> RobotRefused:
        refused = RobotRefused(problem)
        self._rejected(refused)
        return refused

    def _rejected(self, refused: RobotRefused, token: str = "") -> None:
        event = RobotRejected(
            time=self._issuing.clock(),
            robot=refused.robot,
            reason=refused.reason.value,
            status=refused.status,
            unverified=said_by(token, _READING),
        )
        self._audit.tell(event)

    async def _workload(self, name: RobotName, token: str) -> tuple[Principal, TrustRule]:
        """Who shows the token, and the rule that lets it in."""
        try:
            claimed = read_claimed(token)
            if claimed.issuer is None:
                raise refusal(Reason.ISSUER_MISSING)
            rules = await self._rules(name, claimed.issuer)
            policy = policy_for(claimed, rules, any_audience=self._any_audience)
            if policy is None:
                raise RobotRefused(RobotProblem.AUDIENCES_NOT_CONFIGURED, robot=name, issuer=claimed.issuer)
            with self._turnstile.passed(name.namespace, policy.issuer):
                workload = await self._proven(token, policy)
        except Refusal as error:
            raise RobotRefused(error, robot=name) from None
        rule = match(rules, workload, any_audience=self._any_audience)
        if rule is None:
            raise RobotRefused(RobotProblem.RULE_MISMATCH, robot=name, issuer=claimed.issuer)
        if not rule.audiences:
            _log.warning("robot %s is let in by a rule without audiences, which accepts tokens for anybody", name)
        return workload, rule

    async def _rules(self, name: RobotName, issuer: str) -> tuple[TrustRule, ...]:
        """The rules of the robot that name the issuer; there is at least one."""
        known = await from_store(self._store.rules_of, name)
        if not known:
            problem = RobotProblem.ROBOT_UNKNOWN if known is None else RobotProblem.ROBOT_NOT_FEDERATED
            raise RobotRefused(problem, robot=name, issuer=issuer)
        rules = tuple(rule for rule in known if rule.issuer == issuer)
        if not rules or issuer == self._issuing.names.issuer:
            raise RobotRefused(RobotProblem.ISSUER_NOT_TRUSTED, robot=name, issuer=issuer)
        return rules

    async def _proven(self, token: str, policy: IssuerPolicy) -> Principal:
        validation = Validation([policy])
        unverified, _ = validation.begin(token)
        self._keys.ensure(policy.issuer, _BY_DISCOVERY)
        return await Prover(validation, self._keys, self._issuing.clock).prove_async(unverified, policy)

    async def _robot(self, name: RobotName, token: str) -> Robot:
        try:
            unverified, policy = self._own.begin(token)
            proven = self._own.finish(unverified, policy, self._issuing.signing.keys, self._issuing.clock())
            if proven.subject != str(name):
                raise refusal(Reason.RULE_FAILED)
            rules = await from_store(self._store.rules_of, name)
        except Refusal as error:
            raise RobotRefused(error, robot=name) from None
        if not is_issued_by(proven, rules or ()):
            raise RobotRefused(RobotProblem.RULE_WITHDRAWN, robot=name)
        return robot_principal(proven, name)
