"""One thing that a probe saw."""

from __future__ import annotations

from dataclasses import dataclass

from seclyzer_agent.model import Entry


@dataclass(frozen=True)
class Seen:
    """An entry of a check of the agent's, and how it is known: the file or the question, for a person to repeat."""

    check: str
    entry: Entry
    how: str
