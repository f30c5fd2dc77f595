"""What inventories and command lines may say: every option of every role, its type, and names that are nearly right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

PREFIXES = ("redis_", "influxdb_", "seclyzer_")
"""Names that begin so belong to a role. Internal ones begin with `__`."""

Options = dict[str, dict[str, Any]]


def options(specs: Iterable[Mapping[str, Any]]) -> Options:
    """All options of all entry points of all roles, from the contents of their `argument_specs.yml`."""
    found: Options = {}
    for spec in specs:
        for entry in (spec.get("argument_specs") or {}).values():
            found.update({name: dict(option) for name, option in (entry.get("options") or {}).items()})
    return found


def unknown(names: Iterable[str], known: Options) -> list[str]:
    """A sentence for every name that looks like an option and is none."""
    sentences: list[str] = []
    for name in sorted(names):
        if name.startswith(PREFIXES) and name not in known:
            near = difflib.get_close_matches(name, known, 1, 0.7)
            hint = f"; is {near[0]} meant?" if near else ""
            sentences.append(f"there is no option {name}{hint}")
    return sentences


def shape(name: str, value: object, option: Mapping[str, Any]) -> str:
    """What is wrong with a value's shape that Ansible's own check would turn into text; empty when nothing is."""
    kind = option.get("type", "str")
    if kind in ("str", "path", "int", "float", "bool") and isinstance(value, Mapping | list):
        return f"{name} is {'a mapping' if isinstance(value, Mapping) else 'a list'}, it must be of type {kind}"
    if kind in ("int", "float") and isinstance(value, bool):
        return f"{name} is {value}, it must be of type {kind}"
    return ""
