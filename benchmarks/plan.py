"""The plan: which workers there are, and which comparison of their jobs makes which figure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.bars import FAST, PLAIN, WARM
from benchmarks.results import Figure
from benchmarks.rounds import Comparison, Reading, Slot, spread
from benchmarks.scene import ALGORITHMS
from benchmarks.subjects.scale import KEYS

RAW: Final = "raw"
"""The worker whose jobs are the unit."""
RAW_CHECK: Final = "one signature check"
COLD: Final = "cold"


@dataclass(frozen=True, slots=True)
class Staff:
    """A worker: its name, what it runs, and in which of the environments."""

    name: str
    subject: str
    where: str = "ours"


OURS: Final = (
    Staff(FAST, "ours:fast"),
    Staff("bearergate, extra fast, groups and claims read", "ours:fast_and_read"),
    Staff("bearergate, extra fast, audit log on", "ours:audited"),
    Staff(PLAIN, "ours:plain"),
    Staff(WARM, "ours:warm"),
)
PEERS: Final = (
    Staff("PyJWT", "peers:pyjwt", "peers"),
    Staff("joserfc", "peers:joserfc", "peers"),
    Staff("Authlib", "peers:authlib", "peers"),
    Staff("python-jose", "peers:python_jose", "peers"),
    Staff("jwcrypto", "peers:jwcrypto", "peers"),
    Staff("ryjwt (Rust)", "peers:ryjwt", "newer"),
    Staff("jose (Node)", "jose", "node"),
    Staff("fast-jwt (Node)", "fast-jwt", "node"),
    Staff("fast-jwt (Node), token seen before", "fast-jwt-cache", "node"),
    Staff("aws-jwt-verify (Node)", "aws-jwt-verify", "node"),
)
HELPERS: Final = (
    Staff(RAW, "raw:checks"),
    Staff("refusals, extra fast", "refusals:fast"),
    Staff("refusals, standard library only", "refusals:plain"),
    Staff("asgi", "adapters:asgi"),
    Staff("flask", "adapters:flask"),
    Staff("issuers", "scale:issuers"),
    Staff("keys", "scale:keys"),
)
STAFF: Final = (*HELPERS, *OURS, *PEERS)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure to be: where it stands, and the comparison it is made of."""

    group: str
    name: str
    column: str
    comparison: Comparison
    base: str = RAW_CHECK
    is_added: bool = False
    """What counts is what the subject takes more than its base, in units of one RS256 check."""

    def figure(self, readings: Sequence[Reading], unit: float) -> Figure:
        """`unit`: microseconds of one RS256 check in the same run."""
        ratios = [one.difference / unit if self.is_added else one.ratio for one in readings]
        amounts = [one.difference if self.is_added else one.subject for one in readings]
        low, ratio, high = spread(ratios)
        return Figure(
            group=self.group,
            name=self.name,
            column=self.column,
            base=self.base,
            ratio=round(ratio, 4),
            low=round(low, 4),
            high=round(high, 4),
            amount=round(spread(amounts)[1], 3),
            unit="us",
        )


def rows(jobs: Mapping[str, Iterable[str]]) -> list[Row]:
    """The figures that these workers with these jobs can make."""
    have = {Slot(worker, job) for worker, names in jobs.items() for job in names}
    return [row for row in all_rows() if {row.comparison.subject, row.comparison.base} <= have]


def all_rows() -> Iterator[Row]:
    """Every figure that could be made somewhere."""
    for staff in (*OURS, *PEERS):
        group = "warm" if staff.name.endswith("token seen before") else COLD
        for algorithm in ALGORITHMS:
            yield Row(group, staff.name, algorithm, _compare(staff.name, algorithm, RAW, algorithm))
    for way in ("extra fast", "standard library only"):
        for case in ("unknown kid", "bad signature", "wrong audience", "expired", "1 MiB token"):
            yield Row("refusals", case, way, _compare(f"refusals, {way}", case, RAW, "RS256"))
    yield Row("adapters", "ASGI middleware", "added", _compare("asgi", "middleware", "asgi", "bare"), is_added=True)
    for name, job in (("WSGI middleware", "middleware"), ("Flask decorator", "decorator")):
        yield Row("adapters", name, "Flask", _compare("flask", job, "flask", "bare"), "Flask without it")
    for job in ("10 issuers", "1000 issuers"):
        yield Row("scale", job, "RS256", _compare("issuers", job, "issuers", "1 issuer"), "one issuer")
    first, *others = KEYS
    for count in others:
        yield Row(
            "scale", f"{count} keys", "RS256", _compare("keys", f"{count} keys", "keys", f"{first} keys"), "5 keys"
        )
    for count in KEYS:
        yield Row("reading", f"{count} keys", "document", _compare("keys", f"reading {count} keys", RAW, "RS256"))


def _compare(worker: str, job: str, base_worker: str, base_job: str) -> Comparison:
    return Comparison(Slot(worker, job), Slot(base_worker, base_job))
