"""The measurements: each a function that adds figures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..figures import Figures
from ..store import Store
from ..testbed import Testbed


@dataclass(frozen=True)
class Lab:
    """What every measurement needs: where the programs stand by implementation, where points and progress go."""

    programs: Mapping[str, Path]
    store: Store
    figures: Figures
    say: Callable[[str], None]

    def testbed(self, implementation: str) -> Testbed:
        """A fresh testbed."""
        return Testbed(implementation, self.programs[implementation], self.store)
