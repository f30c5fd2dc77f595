"""What was given by `-e` and not by the inventory, and so is not there in the next plain run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from .fleet import count
from .fleet_entry import Vars

OF_A_RETURN = "seclyzer_release_"
"""How the options begin that say how a rollback goes about it."""


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


def next_modes(hosts: Mapping[str, tuple[Vars, Vars]]) -> tuple[dict[str, str], list[str]]:
    """The mode that a plain run of site.yml brings, by host, where another runs; and that in words.

    Of each host what was read of it comes in, and what runs there.
    """
    brings = {
        host: str(known["inventory_mode"])
        for host, (known, running) in hosts.items()
        if known.get("inventory_mode") and running.get("mode") not in (None, "", known["inventory_mode"])
    }
    by_words: dict[str, int] = {}
    for host, mode in brings.items():
        words = f"would run {mode} in the place of {hosts[host][1]['mode']}"
        by_words[words] = by_words.get(words, 0) + 1
    if not by_words:
        return brings, []
    outcome = ", ".join(f"{count(number, 'edge')} {words}" for words, number in sorted(by_words.items()))
    return brings, [f"in the next run of site.yml without -e mode= {outcome}, by the inventory"]


def without_effect(given: Collection[str]) -> list[str]:
    """The options that were given by `-e` to a rollback and that it does not use: what is deployed comes back whole."""
    names = sorted(name for name in given if not name.startswith(OF_A_RETURN))
    if not names:
        return []
    return [
        f"by -e and without effect: {', '.join(names)}; rollback.yml brings mode and settings back as they were, and "
        "site.yml takes them from the inventory or -e"
    ]
