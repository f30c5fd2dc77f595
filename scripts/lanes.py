"""Runs pieces of work side by side on so many cores: what mostly waits beside what computes."""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

WAITS = 0  # cores of a piece that mostly waits: it takes none from the others
ALONE = -1  # begins when all before it have ended, and all after it begin when it has

T = TypeVar("T")
R = TypeVar("R")


def side_by_side(
    pieces: Sequence[T], cores_of: Callable[[T], int], work: Callable[[T], R], cores: int | None
) -> list[R]:
    """What `work` made of each piece, in the order of the pieces.

    They begin in their order, each as soon as its cores are free; one that takes more than there are takes all.
    """
    have = max(cores or 1, 1)
    made: dict[Future[R], int] = {}  # what began, and its piece's place
    running: dict[Future[R], int] = {}  # and its cores
    with ThreadPoolExecutor(max_workers=max(len(pieces), 1)) as pool:
        for place, piece in enumerate(pieces):
            needed = min(cores_of(piece), have)
            while not _fits(needed, list(running.values()), have):
                ended, _ = wait(running, return_when=FIRST_COMPLETED)
                for one in ended:
                    del running[one]
            future = pool.submit(work, piece)
            made[future], running[future] = place, needed
    return [future.result() for future in sorted(made, key=made.__getitem__)]


def _fits(needed: int, taken: list[int], have: int) -> bool:
    """Whether one that needs so many cores may begin beside those that run."""
    if needed == ALONE or ALONE in taken:
        return not taken
    return needed == WAITS or sum(taken) + needed <= have
