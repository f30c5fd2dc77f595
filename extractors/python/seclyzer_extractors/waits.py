"""Times and sizes that are no settings, by name from the shared `waits.json`. KeyError for a name it does not have."""

from . import schema

_VALUES: dict[str, int] = {one["name"]: one["value"] for one in schema.document("waits")["waits"]}


def us(name: str) -> int:
    """A time in µs, of the wait `<name>_ms`."""
    return _VALUES[f"{name}_ms"] * 1000


def ms(name: str) -> int:
    """A time in ms, of the wait `<name>_ms`."""
    return _VALUES[f"{name}_ms"]


def seconds(name: str) -> float:
    """A time in seconds, of the wait `<name>_ms`."""
    return _VALUES[f"{name}_ms"] / 1000


def number(name: str) -> int:
    """A number or a size."""
    return _VALUES[name]
