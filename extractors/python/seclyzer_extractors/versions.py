"""Saved states that a later version of the programs wrote: they are left alone, counted and logged."""

from . import logs


class Later(Exception):
    """A state of a later version than this program reads: what it is, as in `state.json`, and of which version."""

    def __init__(self, what: str, version: int) -> None:
        super().__init__(f"{what} is of version {version}")
        self.what = what
        self.version = version


class Skipped:
    """How many states and segments were left alone."""

    def __init__(self) -> None:
        self.count = 0

    def skip(self, later: Later, count: int = 1) -> None:
        """One more kind of state, of so many files or keys; it is logged."""
        self.count += count
        logs.log("state_skipped", what=later.what, version=later.version, count=count)
