"""What a replay is run with, in the units of the contract."""

from __future__ import annotations

from dataclasses import dataclass, fields

PROGRAMS = {"keystroke": "keystroke_extractor", "mouse": "mouse_extractor", "app": "app_tracker"}
MINIMUM = {"keystroke": 10, "mouse": 50, "app": 1}
BUFFER = {"keystroke": 10_000, "mouse": 50_000, "app": 10_000}


def seconds(ms: int) -> str:
    """Milliseconds as a decimal number of seconds, exactly: 4035 -> '4.035'."""
    whole, rest = divmod(ms, 1000)
    return f"{whole}.{rest:03d}".rstrip("0").rstrip(".")


@dataclass(frozen=True)
class Settings:
    """One replay: durations in whole ms, `min_events` and `buffer_events` as counts of events."""

    kind: str
    window_ms: int = 30_000
    interval_ms: int = 5_000
    lateness_ms: int = 250
    min_events: int = 0
    buffer_events: int = 0
    dev_mode: bool = False

    def __post_init__(self) -> None:
        """A minimum or a buffer of 0 stands for the contract's default."""
        if not self.min_events:
            object.__setattr__(self, "min_events", MINIMUM[self.kind])
        if not self.buffer_events:
            object.__setattr__(self, "buffer_events", BUFFER[self.kind])

    @property
    def program(self) -> str:
        return PROGRAMS[self.kind]

    def arguments(self) -> list[str]:
        """The flags that say the same on the command line of both implementations."""
        flags = ["--window", seconds(self.window_ms), "--interval", seconds(self.interval_ms)]
        flags += ["--lateness", str(self.lateness_ms), "--min-events", str(self.min_events)]
        flags += ["--buffer-events", str(self.buffer_events)]
        return flags + (["--dev-mode"] if self.dev_mode else [])

    def as_dict(self) -> dict[str, object]:
        return {field.name: getattr(self, field.name) for field in fields(self)}
