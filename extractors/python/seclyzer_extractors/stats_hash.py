"""The fields of the hash `seclyzer:stats:<kind>` and of `--stats`, in the order of `stats.json`."""

import os
from collections.abc import Mapping

from . import schema

Value = str | int
_ALWAYS = schema.document("stats")["fields"]
FIELDS: tuple[str, ...] = tuple(one["name"] for one in _ALWAYS)
REPLAY_FIELDS: tuple[str, ...] = tuple(one["name"] for one in _ALWAYS if one.get("replay"))
AFTER_REJECTION: tuple[str, ...] = tuple(one["name"] for one in schema.document("stats")["after_rejection"])


def fields(values: Mapping[str, Value], after_rejection: Mapping[str, Value]) -> dict[str, Value]:
    """All fields. `values` has those that change, `after_rejection` those of the last rejection, or nothing.

    ValueError when a field is missing, or is not in `stats.json`.
    """
    known: dict[str, Value] = {"implementation": schema.IMPLEMENTATION, "version": schema.version(), "pid": os.getpid()}
    last = _ordered(after_rejection, AFTER_REJECTION) if after_rejection else {}
    return {**_ordered({**known, **values}, FIELDS), **last}


def replay_fields(counters: Mapping[str, Value]) -> dict[str, Value]:
    """What `--replay --stats` prints."""
    own = {"implementation": schema.IMPLEMENTATION, "version": schema.version()}
    return {**own, **_ordered(counters, REPLAY_FIELDS)}


def _ordered(values: Mapping[str, Value], names: tuple[str, ...]) -> dict[str, Value]:
    wrong = values.keys() ^ set(names)
    if wrong:
        raise ValueError(f"not the fields of stats.json: {', '.join(sorted(wrong))}")
    return {name: values[name] for name in names}
