"""The fields of the hash `seclyzer:stats:<kind>` and of `--stats`, in the order of `stats.json`."""

import os
from collections.abc import Mapping

from . import schema

Value = str | int
FIELDS: tuple[str, ...] = tuple(one["name"] for one in schema.document("stats")["fields"])
REPLAY_FIELDS: tuple[str, ...] = tuple(one["name"] for one in schema.document("stats")["fields"] if one.get("replay"))


def fields(values: Mapping[str, Value]) -> dict[str, Value]:
    """All fields; `values` has those that differ from process to process. ValueError when it has others, or lacks one."""
    known: dict[str, Value] = {"implementation": schema.IMPLEMENTATION, "version": schema.version(), "pid": os.getpid()}
    return _ordered({**known, **values}, FIELDS)


def replay_fields(counters: Mapping[str, Value]) -> dict[str, Value]:
    """What `--replay --stats` prints."""
    own = {"implementation": schema.IMPLEMENTATION, "version": schema.version()}
    return {**own, **_ordered(counters, REPLAY_FIELDS)}


def _ordered(values: Mapping[str, Value], names: tuple[str, ...]) -> dict[str, Value]:
    if values.keys() != set(names):
        raise ValueError(f"not the fields of stats.json: {', '.join(sorted(values.keys() ^ set(names)))}")
    return {name: values[name] for name in names}
