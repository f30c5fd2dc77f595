"""How the controller follows a host that decides by itself: it asks again and again, and an answer that does not come
changes nothing on the host.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

PAUSE = 3.0
"""Seconds between two attempts to reach a host again."""
LOST = 300.0
"""Seconds after which a host that does not answer is given up."""
LONGEST = 900.0
"""Seconds after which a host that does not decide is given up; each trial has its own, shorter deadline."""

Result = dict[str, Any]


def follow(
    ask: Callable[[], Result],
    tell: Callable[[str], None],
    lost: type[Exception],
    keeps_on: bool,
    pause: float = PAUSE,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    longest: float = LONGEST,
    unit: str = "seclyzer-trial",
) -> Result:
    """The first answer that waits for nothing; after one that does, `pause` seconds pass. `lost` is what `ask` raises
    when the host is not reached: the end of it, unless this `keeps_on`, or waited already. What is waited for is
    shown. `unit` does the work there.
    """
    began = answered = clock()
    shown = ""
    while True:
        try:
            result = ask()
        except lost as fault:
            if not keeps_on or clock() - answered >= LOST:
                raise
            _tell(tell, shown, words := f"an answer: what was begun there goes on ({fault})")
            shown = words
            sleep(PAUSE)
            continue
        answered, keeps_on = clock(), True
        waiting = str(result.get("waiting") or "")
        if not waiting:
            return result
        if clock() - began >= longest:
            return result | {
                "failed": True,
                "msg": f"still waits for {waiting}; look at journalctl -u {unit} there",
            }
        _tell(tell, shown, waiting)
        shown = waiting
        sleep(pause)


def _tell(tell: Callable[[str], None], shown: str, words: str) -> None:
    if words != shown:
        tell(words)
