"""The figures of an earlier run on this host, and what has changed since."""

from . import IMPLEMENTATIONS
from .expectations import Expectation
from .figures import Figures
from .result import number

NOTABLE = 0.2
"""A change is worth a line from a fifth on, if the samples of the two runs do not overlap."""


def changes(now: Figures, then: Figures, expectations: dict[str, Expectation]) -> list[str]:
    """One sentence for each figure something is expected of that has notably changed."""
    found = []
    for each in expectations.values():
        for whose in IMPLEMENTATIONS:
            new, old = now.summary(each.name, whose), then.summary(each.name, whose)
            if new is None or old is None or whose not in each.limits:
                continue
            after, before = new.by(each.by), old.by(each.by)
            apart = new.least > old.most or new.most < old.least
            if apart and abs(after - before) > NOTABLE * abs(before):
                times = f"{(after - before) / before:+.0%}" if before else "from nothing"
                found.append(f"{whose}: {each.title}: {number(before)} → {number(after)} {each.unit} ({times})")
    return found
