"""What is counted on the way from a message to a window."""

from dataclasses import asdict, dataclass


@dataclass(slots=True)
class Counters:
    """The names are those of the stats hash and of `--stats`. Times are Unix time in µs, 0 is none."""

    events: int = 0  # valid events of the extractor's own kind, late ones too
    malformed: int = 0
    future: int = 0  # more than 5 s ahead of the host's clock
    ancient: int = 0  # more than 400 days before it
    late: int = 0  # fits closed windows only; for the app tracker: one with a later `ts` has been taken
    behind: int = 0  # missed a closed window, and was used for an open one
    dropped: int = 0  # over the buffer's bound
    sessions: int = 0  # the clock was set back
    windows: int = 0  # emitted; for the app tracker: transitions
    windows_short: int = 0  # closed with events, but too few
    last_event_ts: int = 0
    last_window_ts: int = 0

    def emitted(self, ts: int) -> None:
        """A row was emitted: what the last run emitted does not go out again, and does not count."""
        self.windows += 1
        self.last_window_ts = ts

    def as_dict(self) -> dict[str, int]:
        return asdict(self)
