"""The modes: which implementation runs each extractor. The table stands here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping

from .kinds import KINDS

IMPLEMENTATIONS = ("python", "rust")

MODES: dict[str, dict[str, str]] = {
    "python": dict.fromkeys(KINDS, "python"),
    "rust": dict.fromkeys(KINDS, "rust"),
    "hybrid": {**dict.fromkeys(KINDS, "rust"), "app": "python"},
}

BLANK = "hybrid"
"""What a host gets that runs nothing yet and has no mode configured."""


class ModeError(ValueError):
    """A mode or an override that does not exist; the message says what does."""


def choose(typed: object, inventory: object, running: str | None) -> tuple[str, str]:
    """The mode of a host and where it comes from: `-e mode=` beats the inventory beats what runs beats `hybrid`."""
    for value, where in ((typed, "-e mode="), (inventory, "seclyzer_mode")):
        if value is None or value == "":
            continue
        if not isinstance(value, str) or value not in MODES:
            raise ModeError(f"{where}: {value!r} is no mode; there are {', '.join(MODES)}")
        return value, where
    if running in MODES:
        return str(running), "it runs"
    return BLANK, "a blank host"


def implementations(mode: str, overrides: object = None) -> dict[str, str]:
    """What runs each extractor: the mode's table, with this host's exceptions."""
    desired = dict(MODES[mode])
    if overrides is None:
        return desired
    if not isinstance(overrides, Mapping):
        raise ModeError(f"seclyzer_implementations: {overrides!r} is no mapping such as {{app: rust}}")
    for extractor, implementation in overrides.items():
        if extractor not in desired:
            known = ", ".join(desired)
            raise ModeError(f"seclyzer_implementations: there is no extractor {extractor!r}; there are {known}")
        if implementation not in IMPLEMENTATIONS:
            known = " or ".join(IMPLEMENTATIONS)
            raise ModeError(f"seclyzer_implementations: {extractor} cannot be {implementation!r}; it is {known}")
        desired[extractor] = implementation
    return desired
