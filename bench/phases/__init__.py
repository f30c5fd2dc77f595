"""The measurements: each a function that adds figures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..bed import Bed
from ..figures import Figures
from ..store import Store


@dataclass(frozen=True)
class Lab:
    """What every measurement needs: where the programs stand by implementation, where points go, who is told."""

    programs: Mapping[str, Path]
    store: Store
    figures: Figures
    say: Callable[[str], None]

    def bed(self, implementation: str) -> Bed:
        """A fresh bed."""
        return Bed(implementation, self.programs[implementation], self.store)
