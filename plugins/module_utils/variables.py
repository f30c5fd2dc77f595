"""What inventories and command lines may say: every option of every role, its type, and names that are nearly right."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
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


def inputs(names: Iterable[str], known: Options) -> list[str]:
    """A sentence for every name that the playbook sets: a required option, whose value here would count for nothing."""
    return [
        f"{name} is set by the playbook, which takes no other value; leave it out"
        for name in sorted(names)
        if known.get(name, {}).get("required")
    ]


def fault(name: str, value: object, option: Mapping[str, Any]) -> str:
    """What is wrong with a value, and what is allowed, in a sentence; empty when nothing is wrong.

    Stricter than Ansible's own check, which turns a mapping into text and a `yes` into a number without a word.
    """
    kind = option.get("type", "str")
    fits, words = KINDS[kind]
    if not fits(value):
        as_json = isinstance(value, str) and kind in ("list", "dict")
        hint = f"; with -e it is written as JSON: -e '{{\"{name}\": …}}'" if as_json else ""
        return f"{name} is {_described(value)}; it has to be {words}{hint}"
    choices = [str(choice) for choice in option.get("choices") or []]
    chosen = value if isinstance(value, list) else [value]
    if choices and any(str(one) not in choices for one in chosen):
        return f"{name} is {_described(value)}; it has to be one of {', '.join(choices)}"
    if isinstance(value, Mapping) and (inner := option.get("options")):
        return next((problem for key, part in value.items() if (problem := _part(name, str(key), part, inner))), "")
    return ""


def _part(name: str, key: str, value: object, options: Mapping[str, Any]) -> str:
    """What is wrong with one entry of a mapping."""
    if key not in options:
        return f"{name} has no {key}; it may have {', '.join(options)}"
    return fault(f"{name}.{key}", value, options[key])


def _described(value: object) -> str:
    return "a mapping" if isinstance(value, Mapping) else "a list" if isinstance(value, list) else repr(value)


def _is_bool(value: object) -> bool:
    return isinstance(value, bool | int | str) and str(value).lower() in BOOLEANS


def _is_int(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | str) and bool(re.fullmatch(r"-?\d+", str(value)))


def _is_text(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


BOOLEANS = ("true", "false", "yes", "no", "on", "off", "1", "0")
KINDS: dict[str, tuple[Callable[[object], bool], str]] = {
    "bool": (_is_bool, "true or false"),
    "int": (_is_int, "a whole number"),
    "str": (_is_text, "text"),
    "path": (_is_text, "a path"),
    "list": (lambda value: isinstance(value, list), "a list"),
    "dict": (lambda value: isinstance(value, Mapping), "a mapping"),
    "raw": (lambda value: True, "anything"),
}
"""For each type that an option may have: what fits, and how it is called."""
