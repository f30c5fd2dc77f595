"""What a program needs and can be away: logged once and on change, and tried again with backoff."""

import random
import socket
import time
from collections.abc import Callable
from typing import NamedTuple

from . import logs, schema, waits
from .clocks import host_time

_NAMES: dict[str, str] = schema.document("log")["dependencies"]
SHORTEST_S = waits.seconds("backoff_shortest")
NO_ANSWER = "no answer in time"
CLOSED = "closed the connection"
UNREACHABLE = "unreachable"


def reason_of(error: Exception, of_the_protocol: type[Exception], words: str) -> str:
    """Why a server was not reached or did not answer; `words` for an error of its protocol."""
    if isinstance(error, TimeoutError):
        return NO_ANSWER
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return CLOSED
    if isinstance(error, socket.gaierror | UnicodeError):
        return "the host name cannot be resolved"
    if isinstance(error, of_the_protocol):
        return words
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


class Outage(NamedTuple):
    """The last one: `fault` in a word, `reason` and `advice` in words, all empty once it is over; Unix time in µs."""

    fault: str = ""
    reason: str = ""
    advice: str = ""
    since: int = 0
    until: int = 0

    def lasting(self, fault: str, reason: str, advice: str = "") -> "Outage":
        """It does not work, since now or still."""
        return Outage(fault, reason, advice, self.since if self.fault else host_time())

    def over(self) -> "Outage":
        """It works, since now or still."""
        return Outage(since=self.since, until=host_time()) if self.fault else self


class Dependency:
    """One of `log.json`'s dependencies. Each reason is logged once in an outage."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.outage = Outage()  # replaced as a whole: another thread may read it
        self._name = _NAMES[name]
        self._clock = clock
        self._logged: set[str] = set()  # the reasons, in this outage
        self._since = 0.0

    @property
    def reason(self) -> str | None:
        """Why it does not work; None while it does."""
        return self.outage.reason or None

    def away(self, reason: str, advice: str | None = None, fault: str = UNREACHABLE) -> None:
        """It does not work; `advice` is what has to be fixed, if that is known."""
        if self.reason is None:
            self._since = self._clock()
        self.outage = self.outage.lasting(fault, reason, advice or "")
        if reason in self._logged:
            return
        self._logged.add(reason)
        if advice is None:
            logs.log("dependency_away", dependency=self._name, reason=reason)
        else:
            logs.log("dependency_wrong", dependency=self._name, reason=reason, advice=advice)

    def recovered(self) -> None:
        """It works."""
        if self.reason is None:
            return
        self.outage = self.outage.over()
        self._logged.clear()
        logs.log("dependency_back", dependency=self._name, after_s=int(self._clock() - self._since))


class Backoff:
    """Waits of up to `first_s` * 2^n seconds, at most `longest_s`, at random so that many do not come at once."""

    def __init__(self, first_s: float, longest_s: float) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._failures = 0

    def next_s(self) -> float:
        """The seconds to wait after one more failure."""
        bound = min(self._longest_s, self._first_s * 2 ** min(self._failures, 30))
        self._failures += 1
        return max(SHORTEST_S, random.uniform(0.0, bound))

    def reset(self) -> None:
        """Something worked."""
        self._failures = 0


def redis_backoff() -> Backoff:
    """How long Redis is waited for."""
    return Backoff(waits.seconds("redis_backoff_first"), waits.seconds("redis_backoff_longest"))
