"""A fleet as a run goes through it: which hosts go on after a look at all, in which batches they switch, when to stop.

Pure: what is known of each host comes in, lists of names come out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

BATCHES = (1, "10%", "50%", "100%")
SHARE = re.compile(r"([1-9][0-9]?|100)%")


def size_fault(size: object) -> str:
    """What is wrong with one size of a batch, in a sentence; empty when nothing is."""
    text = str(size)
    if not isinstance(size, bool) and (re.fullmatch("[1-9][0-9]*", text) or SHARE.fullmatch(text)):
        return ""
    return f"seclyzer_release_batches has {size!r}; a batch is a number of hosts from 1, or a share from 1% to 100%"


def cut(total: int, sizes: Sequence[object]) -> list[int]:
    """The sizes of the batches that `total` hosts are cut into. A share is of all, and one host at least.

    The last size repeats.
    """
    found: list[int] = []
    left, given = total, list(sizes) or ["100%"]
    while left > 0:
        size = str(given[min(len(found), len(given) - 1)])
        desired = max(1, total * int(size[:-1]) // 100) if size.endswith("%") else int(size)
        found.append(min(desired, left))
        left -= found[-1]
    return found


def order(
    staged: Sequence[str],
    settled: Sequence[str],
    stores: Sequence[str],
    canaries: Sequence[str],
    sizes: Sequence[object],
) -> tuple[list[str], list[int]]:
    """The hosts in the order in which they switch, and the sizes of the batches.

    Those that run what was staged (`settled`) come first and together: nothing of theirs changes. Then each store by
    itself, then the edges, the canaries before the others. So no batch holds a store and an edge that change.
    """
    changing = [host for host in staged if host not in set(settled)]
    first = [host for host in staged if host in set(settled)]
    of_stores = [host for host in changing if host in set(stores)]
    edges = [host for host in changing if host not in set(stores)]
    edges.sort(key=lambda host: host not in set(canaries))  # a stable sort: the inventory's order otherwise
    batches = [len(first)] if first else []
    return [*first, *of_stores, *edges], [*batches, *([1] * len(of_stores)), *cut(len(edges), sizes)]


def without_canary(canaries: Sequence[str], chosen: Sequence[str], staged: Sequence[str], edges: Sequence[str]) -> str:
    """Why no edge may be switched: the run has canaries, and none of them was staged while others were. Else empty."""
    meant = [host for host in canaries if host in set(chosen)]
    if not meant or set(meant) & set(staged) or not set(edges) & set(staged):
        return ""
    return f"no host of seclyzer_canary was staged ({named(meant)}), so no other edge is switched"


def stop(failed: Sequence[str], at_most: int, rest: int) -> str:
    """Why the next batch does not start; empty when it may."""
    if len(failed) <= at_most or not rest:
        return ""
    words = f"{named(failed)} failed" + (f", more than the {at_most} of seclyzer_release_max_fail" if at_most else "")
    return f"{words}: the other {'host was' if rest == 1 else f'{rest} hosts were'} not started"


def store_of(host: Mapping[str, Any], stores: Sequence[str]) -> str:
    """The store that a host writes to, by its variables; empty when that is none of the inventory."""
    itself = str(host.get("inventory_hostname") or "")
    name = str(
        host.get("influxdb_store_host") or (itself if itself in stores else stores[0] if len(stores) == 1 else "")
    )
    return name if name in stores else ""


def named(hosts: Sequence[str], most: int = 8) -> str:
    """Some names, and how many more there are."""
    more = f" and {len(hosts) - most} more" if len(hosts) > most else ""
    return ", ".join(hosts[:most]) + more


def count(number: int, word: str) -> str:
    """A number with its word: `1 edge`, `3 edges`."""
    return f"{number} {word}{'' if number == 1 else 's'}"
