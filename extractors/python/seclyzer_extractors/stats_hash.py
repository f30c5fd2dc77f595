"""The fields of the hash `seclyzer:stats:<kind>` and of `--stats`, in the order of `stats.json`."""

import os
from collections.abc import Mapping

from . import schema

Value = str | int
_ALL = schema.document("stats")["fields"]
FIELDS: tuple[str, ...] = tuple(one["name"] for one in _ALL)
REPLAY_FIELDS: tuple[str, ...] = tuple(one["name"] for one in _ALL if one.get("replay"))
OPTIONAL = frozenset(one["name"] for one in _ALL if one.get("optional"))


def fields(values: Mapping[str, Value]) -> dict[str, Value]:
    """All fields; `values` has those that change. ValueError when it has others, or lacks one that is not optional."""
    known: dict[str, Value] = {"implementation": schema.IMPLEMENTATION, "version": schema.version(), "pid": os.getpid()}
    return _ordered({**known, **values}, FIELDS)


def replay_fields(counters: Mapping[str, Value]) -> dict[str, Value]:
    """What `--replay --stats` prints."""
    own = {"implementation": schema.IMPLEMENTATION, "version": schema.version()}
    return {**own, **_ordered(counters, REPLAY_FIELDS)}


def _ordered(values: Mapping[str, Value], names: tuple[str, ...]) -> dict[str, Value]:
    wrong = (values.keys() ^ set(names)) - (OPTIONAL - values.keys())
    if wrong:
        raise ValueError(f"not the fields of stats.json: {', '.join(sorted(wrong))}")
    return {name: values[name] for name in names if name in values}
