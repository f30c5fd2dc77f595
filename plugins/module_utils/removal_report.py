"""A removal over many hosts: which hosts may be removed, and what became of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .fleet import count, named

KIB, MIB = 1 << 10, 1 << 20


def chosen_faults(chosen: Sequence[str], known: Sequence[str], limited: bool, left: Mapping[str, Sequence[str]]) -> str:
    """Why the hosts of a run may not be removed without confirmation, with what to type; empty when they may.

    `known`: all hosts of the inventory. `left`: of each store that is chosen the edges that write to it and stay.
    """
    mean = "-e remove_confirmed=true removes them all the same"
    if not limited:
        return (
            f"--limit has to name the hosts: without it {count(len(chosen), 'host')} would go ({named(chosen)}); {mean}"
        )
    if len(known) > 1 and set(known) <= set(chosen):
        return f"--limit leaves no host out, so the whole fleet would go ({named(chosen)}); {mean}"
    for store, edges in left.items():
        if edges:
            return (
                f"{store} holds the points of {named(edges)}, and nothing would take theirs from then on: remove these "
                f"edges and take them out of the inventory first, or name another store for them; {mean}"
            )
    return ""


@dataclass(frozen=True)
class Outcome:
    """What became of one host. `fault`: why it was not removed. `store`: that of its credential, empty without one.

    `credential`: whether that was taken away; None when it was not tried.
    """

    host: str
    reached: bool = True
    fault: str = ""
    done: Sequence[str] = ()
    kept: Sequence[Mapping[str, Any]] = ()
    notes: Sequence[str] = ()
    store: str = ""
    credential: bool | None = None
    why: str = ""
    outside: str = ""
    command: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether there is nothing left to do for an operator."""
        return self.reached and not self.fault and self.credential is not False

    @property
    def trouble(self) -> str:
        """Why it is not complete, in a sentence; empty when it is."""
        if not self.reached:
            return "it was not reached"
        if self.fault or self.credential is not False:
            return self.fault
        return f"its credential is still good on {self.store}: {self.why}"

    def lines(self, check: bool) -> list[str]:
        """What is reported of it."""
        found = [f"{self.host}: {self._state(check)}"]
        found += [f"  kept {one['path']}: {count(one['files'], 'file')}, {size(one['bytes'])}" for one in self.kept]
        found += [f"  {words}" for words in self.notes]
        if self.credential:
            found.append(f"  its credential {'would be' if check else 'is'} taken away on {self.store}")
        elif self.credential is False:
            found.append(f"  ITS CREDENTIAL IS STILL GOOD on {self.store}: {self.why}")
        if self.outside:
            found.append(f"  {self.outside}")
        if not self.is_complete:
            found.append(f"  then type: {self.command}")
        return found

    def _state(self, check: bool) -> str:
        if not self.reached:
            return "NOT REACHED, so SecLyzer is still on it"
        if self.fault:
            return f"NOT REMOVED: {self.fault}"
        if not self.done:
            return "nothing of SecLyzer to remove"
        words = f"{count(len(self.done), 'step')}"
        return f"would be removed, in {words}" if check else f"removed, in {words}"


def size(number: int) -> str:
    """Bytes for people."""
    if number >= MIB:
        return f"{number / MIB:.1f} MiB"
    return f"{number / KIB:.1f} KiB" if number >= KIB else f"{number} bytes"
