"""The result of a comparison before a switch, in words: why a host is not switched, what else to report, what it cost.

Pure.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from . import credible
from .comparison_report import parsed

Result = Mapping[str, Any]
OTHERWISE = {
    credible.NOTHING: "{kind} was not compared with what runs before the switch: {why}",
    credible.UNSURE: (
        "{kind} differed from what runs, which is not held against it, for events were late or lost meanwhile"
    ),
    credible.CHANGED: "{kind} computes other values than what ran before, as is known",
}
"""Sentences that are alike on many hosts, since the report has a line for each."""
IDLE = "it made no output that both saw whole"


def refusal(n: int, result: Result) -> str:
    """Why deployment `n` is not switched to; empty when nothing speaks against it."""
    faults = [
        f"{kind}: {of['why']}{_example(kind, result)}"
        for kind, of in result["verdicts"].items()
        if of["verdict"] == credible.DIFFERENT
    ]
    if not faults:
        return ""
    return (
        f"deployment {n} is not switched to, and what runs was not touched: beside it, on the same live events, "
        f"{'; '.join(faults)}. playbooks/compare.yml -e right=staged compares again, for as long as asked; "
        "if other values are meant, -e seclyzer_release_values_change=true accepts them"
    )


def _example(kind: str, result: Result) -> str:
    """The first value that differs."""
    first: list[Any] = next(
        (one["first"] for one in result["report"]["kinds"] if one["kind"] == kind and one["first"]), []
    )
    if not first:
        return ""
    diff = first[0]
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(diff["ts"] // 1_000_000))
    return f" (at {at} {diff['feature']} is {diff['right']!r} where {diff['left']!r} runs)"


def notes(result: Result) -> list[str]:
    """What else to report."""
    verdicts = result["verdicts"]
    equal = [kind for kind, of in verdicts.items() if of["verdict"] == credible.EQUAL]
    found = [f"equal to what ran before, on live events before the switch: {', '.join(equal)}"] if equal else []
    for kind, of in verdicts.items():
        if words := OTHERWISE.get(of["verdict"]):
            found.append(words.format(kind=kind, why=of["why"] or IDLE))
    return found


def figures(result: Result) -> str:
    """What was compared and what it cost, in a line."""
    found, costs = parsed(result["report"])
    parts = []
    for one in found:
        left, right = costs[one.kind]
        words = f"{one.kind} {one.equal} of {one.compared} equal"
        if left and right:
            words += (
                f", {right.memory_mib:.1f} MiB and {right.cpu_percent:.1f} % CPU"
                f" where {left.memory_mib:.1f} MiB and {left.cpu_percent:.1f} % run"
            )
        parts.append(words)
    return "; ".join(parts)
