"""When points are sent, and when they go to disk: pure functions of times."""

from typing import NamedTuple

from .. import waits

BATCH_S = waits.seconds("batch")  # how long a point waits for others
LONGEST_S = 60.0  # in memory; Redis' stream keeps what it is made of twice as long
NOW, NEVER = float("-inf"), float("inf")


class Situation(NamedTuple):
    """What the decisions hang on; times by the store's clock."""

    oldest: float | None  # when the oldest point in memory came
    queued: float | None  # when the oldest of those came that are not on their way
    batch: bool  # there are enough of them for one write
    full: bool  # memory has no room left
    begun: bool  # something is on its way, and not settled
    spooled: bool  # the spool holds points
    failing: bool  # InfluxDB was asked in vain
    silent: bool  # InfluxDB has been, for long enough that points go to the spool at once
    answered: float  # when InfluxDB last settled something
    next_send: float  # InfluxDB is not to be asked before
    next_put: float | None  # the spool is not to be written before; None when there is none
    timeout: float  # how long InfluxDB may be silent

    def silent_at(self) -> float:
        """How long InfluxDB may be silent; for ever while it was not asked in vain."""
        return max(self.answered, self.oldest or 0.0) + self.timeout if self.failing else NEVER

    def put_at(self) -> float | None:
        """When memory is to go to the spool."""
        if self.oldest is None or self.next_put is None:
            return None
        if self.full:
            at = NOW
        elif self.silent:
            at = self.oldest + BATCH_S
        else:
            at = self.silent_at()
            if self.failing or self.spooled:
                at = min(at, self.oldest + LONGEST_S)
        return max(at, self.next_put)

    def send_at(self) -> float | None:
        """When there is something to send; what is on disk goes first."""
        if self.begun or self.spooled or self.batch:
            ripe = NOW
        elif self.queued is None:
            return None
        else:
            ripe = self.queued + BATCH_S
        return max(ripe, self.next_send)
