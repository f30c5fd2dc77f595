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

    Each begins as soon as its cores are free, the first of those that are waiting first; one that takes more than there
    are takes all.
    """
    have = max(cores or 1, 1)
    waiting = {place: min(cores_of(piece), have) for place, piece in enumerate(pieces)}
    running: dict[Future[R], int] = {}  # and the cores of each
    made: dict[int, Future[R]] = {}
    with ThreadPoolExecutor(max_workers=max(len(pieces), 1)) as pool:
        while waiting:
            place = _next(waiting, list(running.values()), have)
            if place is None:
                for ended in wait(running, return_when=FIRST_COMPLETED).done:
                    del running[ended]
            else:
                made[place] = pool.submit(work, pieces[place])
                running[made[place]] = waiting.pop(place)
    return [made[place].result() for place in range(len(pieces))]


def _next(waiting: dict[int, int], taken: list[int], have: int) -> int | None:
    """The place of the first that may begin beside those that run, if one may."""
    if ALONE in taken:
        return None
    for place, needed in waiting.items():
        if needed == ALONE:
            return None if taken or place != min(waiting) else place
        if needed == WAITS or sum(taken) + needed <= have:
            return place
    return None
