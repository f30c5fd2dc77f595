"""The values that a host was given for its options, and what is wrong with them by their types."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError

from ..module_utils import modes, variables

JUDGED_BY_MODE = ("seclyzer_mode", "seclyzer_implementations")
Vars = Mapping[str, Any]


def value(of_host: Vars, name: str) -> Any:
    """A variable's value; None when it cannot be resolved yet."""
    try:
        return of_host.get(name)
    except AnsibleError:
        return None


def type_faults(of_host: Vars, known: variables.Options) -> list[str]:
    """What is wrong with the values a host was given, but for those about the mode, which have a judge of their own."""
    wrong: list[str] = []
    for name in of_host:
        if name not in known or name in JUDGED_BY_MODE:
            continue
        try:
            given = of_host[name]
        except AnsibleError as fault:
            wrong += _undefined(name, str(fault), known)
        else:
            wrong.append("" if given is None else variables.fault(name, given, known[name]))
    return [sentence for sentence in wrong if sentence]


def _undefined(name: str, message: str, known: variables.Options) -> list[str]:
    """What is wrong with a value that cannot be resolved: nothing when it only waits for another option's default."""
    missing = re.search(r"'(\w+)' is undefined", message)
    if missing and missing[1] in known:
        return []
    return [f"{name} cannot be worked out: {missing[0] if missing else message}"]


def mode_faults(of_host: Vars) -> list[str]:
    """What is wrong with the mode that a host was given, and with its exceptions."""
    try:
        mode, _ = modes.choose(value(of_host, "mode"), value(of_host, "seclyzer_mode"), None)
        modes.implementations(mode, value(of_host, "seclyzer_implementations"))
    except modes.ModeError as fault:
        return [str(fault)]
    return []
