"""Events from a file instead of Redis: JSON lines in, what would be published out. It knows no clock."""

from collections.abc import Iterable
from typing import TextIO

from . import output, schema
from .apps import TransitionOperator
from .config import Settings
from .core import Row
from .counters import Counters
from .operators import make_operator

EMPTY = (b"\n", b"\r\n", b"")


def replay(kind: str, settings: Settings, lines: Iterable[bytes], out: TextIO) -> Counters:
    """Writes a JSON line for every window (or transition) of `lines` to `out`; for `app` the patterns too.

    Empty lines are passed over, uncounted. The end of the input closes what is open.
    """
    described = schema.kind(kind)
    operator = make_operator(kind, settings)

    def write(rows: list[Row]) -> None:
        for row in rows:
            operator.counters.emitted(row.ts)
            out.write(output.feature_json(described, row) + "\n")

    for rows in operator.messages(line for line in lines if line not in EMPTY):
        write(rows)
    write(operator.finish())
    if isinstance(operator, TransitionOperator):
        tracker = operator.tracker
        out.write(output.patterns_json(tracker.document(), tracker.last_taken) + "\n")
    return operator.counters
