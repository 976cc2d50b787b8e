"""Store: robots and their trust rules in a database, SQLite or PostgreSQL (SQLAlchemy).

Every call is one short transaction and blocks; whoever serves requests calls it from a thread. Judges nothing.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sql
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from bearergate.core.claims import Json
from bearergate.core.errors import ConfigError, Problem
from bearergate.core.robots import RobotName
from bearergate.core.trust import TrustRule
from bearergate.registry.database_faults import in_words

MAX_ROBOTS: Final = 1000
"""Robots of one namespace."""
MAX_ISSUERS: Final = 100
"""Issuers that rules of one namespace may name. Keys are kept of 1000: no tenant may push out those of all others."""
_SECONDS: Final = 5
"""How long a call waits for a connection, and SQLite for another writer."""
_MAX_TEXT: Final = 2048
_DRIVERS: Final = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg", "sqlite": "sqlite"}

_metadata: Final = sql.MetaData()
_robots: Final = sql.Table(
    "bearergate_robots",
    _metadata,
    sql.Column("id", sql.Integer, primary_key=True),
    sql.Column("namespace", sql.String(255), nullable=False),
    sql.Column("short", sql.String(255), nullable=False),
    sql.Column("changes", sql.Integer, nullable=False, default=0),
    sql.UniqueConstraint("namespace", "short"),
)
_rules: Final = sql.Table(
    "bearergate_trust_rules",
    _metadata,
    sql.Column("robot", sql.ForeignKey(_robots.c.id, ondelete="CASCADE"), primary_key=True),
    sql.Column("position", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("issuer", sql.String(_MAX_TEXT), nullable=False),
    sql.Column("subject", sql.String(_MAX_TEXT), nullable=False),
    # JSON in text: both databases keep it byte by byte, and a number stays the number that it was.
    sql.Column("audiences", sql.Text, nullable=False),
    sql.Column("claims", sql.Text, nullable=False),
)


class StoreUnavailable(Exception):
    """The database did not do what it was asked for. One sentence without a secret."""


class TooManyRobots(Exception):
    """The namespace has as many robots as it may have."""


class TooManyIssuers(Exception):
    """The rules of the namespace would name more issuers than they may."""


class RobotStore:
    """Robots and their rules. Safe to share between threads."""

    def __init__(self, url: str) -> None:
        """`url`: of the database; nothing is connected to yet. Raises ConfigError for one that cannot be used."""
        self._engine = _engine(url)

    def prepare(self) -> None:
        """Create what is missing; raises StoreUnavailable, which says why. Two that do so at once do no harm."""
        with _faults(self._engine.url):
            for table in _metadata.sorted_tables:
                try:
                    table.create(self._engine, checkfirst=True)
                except DBAPIError:
                    # Another process created the same one between the look and the act.
                    table.create(self._engine, checkfirst=True)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def rules_of(self, name: RobotName) -> tuple[TrustRule, ...] | None:
        """The rules of a robot in their order, or None where there is no such robot."""
        with self._transaction() as connection:
            robot = _find(connection, name)
            if robot is None:
                return None
            rows = connection.execute(sql.select(_rules).where(_rules.c.robot == robot).order_by(_rules.c.position))
            return tuple(_rule(row) for row in rows.mappings())

    def robots_of(self, namespace: str) -> tuple[RobotName, ...]:
        """The robots of a namespace by name."""
        with self._transaction() as connection:
            found = sql.select(_robots.c.short).where(_robots.c.namespace == namespace).order_by(_robots.c.short)
            return tuple(RobotName(namespace, short) for short in connection.scalars(found))

    def add_robot(self, name: RobotName) -> bool:
        """Create a robot without rules; False where it was there. Raises TooManyRobots."""
        try:
            with self._transaction() as connection:
                if _find(connection, name) is not None:
                    return False
                own = sql.select(sql.func.count()).where(_robots.c.namespace == name.namespace)
                if connection.execute(own).scalar_one() >= MAX_ROBOTS:
                    raise TooManyRobots
                connection.execute(sql.insert(_robots).values(namespace=name.namespace, short=name.short, changes=0))
                return True
        except _Twice:
            return False

    def remove_robot(self, name: RobotName) -> bool:
        """Delete a robot and its rules; False where there was none."""
        with self._transaction() as connection:
            robot = _touch(connection, name)
            if robot is None:
                return False
            connection.execute(sql.delete(_rules).where(_rules.c.robot == robot))
            connection.execute(sql.delete(_robots).where(_robots.c.id == robot))
            return True

    def replace_rules(self, name: RobotName, rules: Iterable[TrustRule]) -> bool:
        """Give a robot these rules instead of all that it had; False where there is no such robot.

        Raises TooManyIssuers, and then nothing has changed.
        """
        with self._transaction() as connection:
            robot = _touch(connection, name)
            if robot is None:
                return False
            connection.execute(sql.delete(_rules).where(_rules.c.robot == robot))
            rows = [_row(robot, position, rule) for position, rule in enumerate(rules)]
            if rows:
                connection.execute(sql.insert(_rules), rows)
                # What is taken away is never refused.
                if connection.execute(_issuers_of(name.namespace)).scalar_one() > MAX_ISSUERS:
                    raise TooManyIssuers
            return True

    @contextmanager
    def _transaction(self) -> Generator[Connection, None, None]:
        with _faults(), self._engine.begin() as connection:
            yield connection


class _Twice(Exception):
    """A row that there may be only one of is there already."""


@contextmanager
def _faults(url: URL | None = None) -> Generator[None, None, None]:
    """What the database raises, without what it says: that may quote the URL, a statement or a value.

    `url`: where the operator is told why, in words of our own.
    """
    try:
        yield
    except IntegrityError:
        raise _Twice from None
    except (SQLAlchemyError, OSError) as fault:
        kind = fault.orig if isinstance(fault, DBAPIError) else fault
        why = None if url is None else in_words(url, str(kind))
        told = "" if why is None else f": {why}"
        raise StoreUnavailable(f"the database of robots failed ({type(kind).__name__}){told}") from None


def _find(connection: Connection, name: RobotName) -> int | None:
    found = sql.select(_robots.c.id).where(_robots.c.namespace == name.namespace, _robots.c.short == name.short)
    return connection.execute(found).scalar_one_or_none()


def _touch(connection: Connection, name: RobotName) -> int | None:
    """The robot, whose row nobody else writes to until the transaction ends: two writers come one after the other."""
    here = sql.and_(_robots.c.namespace == name.namespace, _robots.c.short == name.short)
    changed = connection.execute(sql.update(_robots).where(here).values(changes=_robots.c.changes + 1))
    return _find(connection, name) if changed.rowcount else None


def _issuers_of(namespace: str) -> sql.Select[int]:
    """How many there are, each counted once."""
    named = sql.select(sql.func.count(sql.distinct(_rules.c.issuer))).join(_robots, _robots.c.id == _rules.c.robot)
    return named.where(_robots.c.namespace == namespace)


def _row(robot: int, position: int, rule: TrustRule) -> dict[str, object]:
    return {
        "robot": robot,
        "position": position,
        "issuer": rule.issuer,
        "subject": rule.subject,
        "audiences": json.dumps(rule.audiences),
        "claims": json.dumps({name: list(values) for name, values in rule.claims.items()}),
    }


def _rule(row: sql.RowMapping) -> TrustRule:
    claims: dict[str, list[Json]] = json.loads(row["claims"])
    return TrustRule(
        issuer=row["issuer"],
        subject=row["subject"],
        audiences=tuple(json.loads(row["audiences"])),
        claims=MappingProxyType({name: tuple(values) for name, values in claims.items()}),
    )


def check_database_url(url: str) -> URL:
    """The URL with the driver that is used; raises ConfigError, which quotes nothing of it: it may hold a password."""
    try:
        parts = make_url(url)
    except (ArgumentError, ValueError):
        parts = None
    driver = None if parts is None else _DRIVERS.get(parts.drivername.partition("+")[0])
    if parts is None or driver is None or (driver == "sqlite" and parts.host):
        cure = "write postgresql://USER:PASSWORD@HOST/DATABASE or sqlite:///FILE"
        raise ConfigError([Problem("database", "names no database that can be used", cure)])
    return parts.set(drivername=driver)


def _engine(url: str) -> Engine:
    parts = check_database_url(url)
    if parts.drivername != "sqlite":
        options = {"connect_timeout": _SECONDS, "options": f"-c statement_timeout={_SECONDS}s"}
        # Asked first, because a database that was restarted has cut what is kept.
        try:
            return sql.create_engine(parts, pool_timeout=_SECONDS, pool_pre_ping=True, connect_args=options)
        except ImportError:
            # psycopg is there or not, and so is the library of PostgreSQL that it needs.
            cure = "install psycopg with its libpq, for example psycopg[binary]"
            raise ConfigError([Problem("database", "needs a driver that is not installed", cure)]) from None
    # One connection where the database is in memory, used in turn: a second one would be a second database.
    in_memory = parts.database in (None, "", ":memory:")
    pool: dict[str, Any] = {"poolclass": QueuePool, "pool_timeout": _SECONDS}
    pool |= {"pool_size": 1, "max_overflow": 0} if in_memory else {}
    engine = sql.create_engine(parts, connect_args={"timeout": _SECONDS, "check_same_thread": False}, **pool)
    event.listen(engine, "connect", _enforce_keys)
    return engine


def _enforce_keys(connection: Any, _: object) -> None:  # noqa: ANN401 - sqlite3's own
    connection.execute("PRAGMA foreign_keys=ON")
