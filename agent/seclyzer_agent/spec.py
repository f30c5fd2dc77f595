"""What a check states about itself: its module in `checks/` holds a `Spec` as `SPEC`, and the registry finds it there.

Values only. What depends on a check (report, metrics, configuration, `--check`, tables of the README) reads its spec.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from .distribution import Distribution
from .model import Check, Facts, Pace

if TYPE_CHECKING:
    import ssl

    from .http_client import HttpClient
    from .redis_client import Redis
    from .settings import Settings
    from .web import Web

CHECK_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
METRIC_NAME = re.compile(r"seclyzer_[a-z0-9_]{1,90}")  # a name that no other exporter has
LABEL = re.compile(r"[a-z][a-z0-9_]{0,39}")
MEASUREMENT = re.compile(r"[a-z][A-Za-z0-9]{0,39}")

Sample = tuple[tuple[str, ...], float | Distribution]
"""Values of the labels, and the value; of a histogram a distribution."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A key of the configuration. `parse` returns the value or raises ValueError with what is allowed.

    `default` is parsed as well, unless it is None: then it depends on other keys. `shown` is the default in the
    README where its value says too little; `at_most` names the key that this one must not exceed.
    """

    key: str
    parse: Callable[[Any], Any]
    default: Any
    help: str
    shown: str = ""
    at_most: str = ""


@dataclass(frozen=True, slots=True)
class Metric:
    """A Prometheus metric, made from the facts of a check.

    `name` is the whole name, with `_total` of a counter. `samples` gets the check's name and its facts. `state` says
    that the metric holds states and names only: anybody reads it live, any other one once a minute. `when_unread` asks
    for samples while there are no facts, too (they are None then).
    """

    name: str
    kind: Literal["gauge", "counter", "histogram"]
    help: str
    samples: Callable[[str, Any], Iterable[Sample]]
    labels: tuple[str, ...] = ()
    state: bool = False
    when_unread: bool = False

    def __post_init__(self) -> None:
        """Refuse what would make every scrape malformed."""
        if not METRIC_NAME.fullmatch(self.name) or (self.kind == "counter") is not self.name.endswith("_total"):
            raise ValueError(f"{self.name!r} is no name of a {self.kind}")
        if any(not LABEL.fullmatch(label) or label.startswith("__") for label in self.labels):
            raise ValueError(f"{self.name} has a label that is no name")
        if self.kind == "histogram" and "le" in self.labels:
            raise ValueError(f"{self.name} has the label le, which its buckets have")
        if len(set(self.labels)) < len(self.labels) or not self.help.isprintable():
            raise ValueError(f"{self.name} has a label twice, or a help that is not one plain line")

    @property
    def series(self) -> tuple[str, ...]:
        """The names that a scrape has of it."""
        if self.kind != "histogram":
            return (self.name,)
        return tuple(f"{self.name}_{part}" for part in ("bucket", "count", "sum"))


def value_of(read: Callable[[Any], float | None]) -> Callable[[str, Any], Iterator[Sample]]:
    """Samples of a metric without labels: what `read` takes from the facts, if it is not None."""

    def samples(_: str, facts: Any) -> Iterator[Sample]:
        value = read(facts)
        if value is not None:
            yield (), value

    return samples


@dataclass(frozen=True, slots=True)
class Trial:
    """The check's part in `--check`, which runs it once.

    With `judged` a measurement that fails is a fault, unless it is one of `filled`: what producers fill says nothing
    about the configuration. Without it, a reading is enough, and `passed` says what it shows. `label` may hold
    `{name}`; `requires` names a check that must have passed before.
    """

    judged: bool = True
    filled: tuple[str, ...] = ()
    label: str = "{name}"
    passed: str = ""
    requires: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """What a check is made from. `redis` is there on an edge only, `web` where others than this host may come in.

    `changed` may be called in any thread when there is something to be read before the next reading is due.
    """

    settings: Settings
    facts: Facts
    redis: Redis | None
    http: HttpClient
    tls: ssl.SSLContext | None
    web: Web | None = None
    changed: Callable[[], None] = lambda: None


def as_read(facts: Any) -> Any:
    """Facts without times of events need not be made coarser."""
    return facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """All that the agent knows of a check before it runs.

    `names` are those of the report, the metrics, the log and the configuration: one, or one for each extractor.
    `order` is the place in the report. `measurements` holds a sentence for each key that it reports. `make` gives one
    check for each name that applies; the registry calls it where the host has one of the `roles`. `uses` names shared
    settings. `redis` holds the commands that the ACL user `agent` needs, each with the keys it is for (or empty).

    `state_facts` says that the facts hold states and names only, so that anybody may read them live. `coarse` takes
    times of events that are finer than a minute out of them.
    """

    names: tuple[str, ...]
    order: int
    help: str
    pace: Pace
    measurements: Mapping[str, str]
    make: Callable[[Context], Iterable[Check]]
    roles: tuple[str, ...] = ("edge", "store")
    settings: tuple[Setting, ...] = ()
    uses: tuple[str, ...] = ()
    metrics: tuple[Metric, ...] = ()
    redis: tuple[tuple[str, str], ...] = ()
    trial: Trial | None = None
    state_facts: bool = False
    coarse: Callable[[Any], Any] = field(default=as_read)

    def __post_init__(self) -> None:
        """Refuse what no report could hold."""
        if not self.names or any(not CHECK_NAME.fullmatch(name) for name in self.names):
            raise ValueError(f"{self.names} are no names of checks")
        if not self.measurements or any(not MEASUREMENT.fullmatch(key) for key in self.measurements):
            raise ValueError(f"{self.names[0]} states no measurement, or one that is no name")
