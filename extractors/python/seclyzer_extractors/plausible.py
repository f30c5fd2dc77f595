"""Which times an event can have, by the host's clock. All times are µs since the Unix epoch."""

FUTURE_US = 5_000_000  # an event more than this ahead of the host's clock is not believed
ANCIENT_US = 400 * 86_400_000_000  # nor is one more than this before it
CLOCK_ADVICE = "is the clock of their producer right?"


def latest(host_time: int) -> int:
    """The largest `ts` that is believed."""
    return host_time + FUTURE_US


def earliest(host_time: int) -> int:
    """The smallest `ts` that is believed."""
    return host_time - ANCIENT_US


def advice(ts: int, host_time: int) -> str:
    """What to look at when events of this `ts` are not believed for their age: its unit, if that makes it right."""
    for unit, us in (("milliseconds", 1_000), ("seconds", 1_000_000)):
        if earliest(host_time) <= ts * us <= latest(host_time):
            return f"their ts looks like {unit}: it has to be in microseconds"
    return CLOCK_ADVICE
