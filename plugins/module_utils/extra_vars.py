"""What was given by `-e` and not by the inventory, and so is not there in the next plain run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .fleet import count
from .fleet_entry import Vars


def next_run(typed: Sequence[str], preflights: Iterable[Vars]) -> list[str]:
    """What was given by `-e` and not by the inventory, and what a run without it does."""
    lines: list[str] = []
    others = [name for name in typed if name != "mode"]
    by_words: dict[str, int] = {}
    typed_mode = ""
    for found in preflights:
        if found.get("mode_from") == "-e mode=":
            typed_mode, inventory = str(found["mode"]), found.get("inventory_mode")
            words = f"would run {inventory}" if inventory and inventory != typed_mode else "would keep it"
            by_words[words] = by_words.get(words, 0) + 1
    if by_words:
        outcome = ", ".join(f"{count(by_words[words], 'edge')} {words}" for words in sorted(by_words, reverse=True))
        lines.append(f"by -e and not by the inventory: mode={typed_mode}; in a run without it {outcome}")
    if others:
        lines.append(
            f"by -e and not by the inventory: {', '.join(others)}; a run without it goes back to the inventory's value"
        )
    return lines
