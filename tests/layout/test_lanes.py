"""The suites' steps run side by side: never more than there are cores, and a step that must be alone is."""

import threading
import time
from dataclasses import dataclass, field

import pytest

from scripts.lanes import ALONE, WAITS, side_by_side
from scripts.test import SUITES


@dataclass
class Watched:
    """Pieces, by their cores, that note who ran beside them."""

    cores: list[int]
    together: list[set[int]] = field(default_factory=list)
    _running: set[int] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def work(self, place: int) -> str:
        with self._lock:
            self._running.add(place)
            self.together.append(set(self._running))
        time.sleep(0.05)
        with self._lock:
            self._running.remove(place)
        return f"made {place}"

    def run(self, have: int | None) -> list[str]:
        return side_by_side(range(len(self.cores)), self.cores.__getitem__, self.work, have)


def test_what_was_made_comes_in_the_order_of_the_pieces() -> None:
    assert Watched([1, WAITS, 1, ALONE, 1]).run(2) == [f"made {place}" for place in range(5)]


@pytest.mark.parametrize("have", [1, 2, 3])
def test_as_many_run_as_there_are_cores_and_what_waits_beside_them(have: int) -> None:
    watched, company, computes = Watched([WAITS, *[1] * 6]), threading.Barrier(have, timeout=30), threading.Event()

    def work(place: int) -> None:
        if place == 0:
            assert computes.wait(30), "nothing runs beside what waits"
        else:
            computes.set()
            company.wait()  # or broken: fewer than that run at a time
        watched.work(place)

    side_by_side(range(7), watched.cores.__getitem__, work, have)
    assert max(len(places - {0}) for places in watched.together) <= have


@pytest.mark.parametrize("beside", [1, WAITS])
def test_one_that_must_be_alone_is_and_keeps_its_place(beside: int) -> None:
    watched = Watched([beside, beside, ALONE, beside, beside])
    watched.run(4)
    assert [places for places in watched.together if 2 in places] == [{2}]
    assert [min(places) > 2 for places in watched.together if 2 not in places] == [False, False, True, True]


def test_what_waits_begins_before_what_has_no_core_yet() -> None:
    waits_too = threading.Event()

    def work(place: int) -> None:
        if place == 0:
            assert waits_too.wait(30), "the third is behind the second, which waits for the first"
        if place == 2:
            waits_too.set()

    side_by_side(range(3), [1, 1, WAITS].__getitem__, work, 1)


@pytest.mark.parametrize("have", [None, 0, 1])
def test_one_that_takes_more_cores_than_there_are_runs_all_the_same(have: int | None) -> None:
    assert Watched([4, 1]).run(have) == ["made 0", "made 1"]


def test_nothing_to_run_is_no_fault() -> None:
    assert Watched([]).run(2) == []


def test_an_exception_of_one_is_raised() -> None:
    def work(place: int) -> None:
        if place == 1:
            raise ValueError("one of them")

    with pytest.raises(ValueError, match="one of them"):
        side_by_side([0, 1, 2], lambda _: 1, work, 2)


def test_what_others_need_is_made_before_they_begin() -> None:
    """The bundle is of what was built, and every test but those of style is of the bundle's programs."""
    steps = [(suite, step) for suite, steps in SUITES.items() for step in steps]
    (bundle,) = (place for place, (_, step) in enumerate(steps) if step.name == "bundle")
    assert steps[bundle][1].cores == ALONE
    assert {suite for suite, _ in steps[:bundle]} == {"lint", "build"}
    assert "build" not in {suite for suite, _ in steps[bundle + 1 :]}
    assert [step.name for step in SUITES["faults"] + SUITES["molecule"] if step.cores != ALONE] == []
