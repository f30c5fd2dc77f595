"""Everything that must have occurred in a run, by name: what was put in, and what came of it."""

from __future__ import annotations

from .messages import ALL_BROKEN, FOREIGN, IGNORED, ODD
from .streams import ARRIVAL, LARGE_EFFECT, SETTINGS

EFFECTS = {
    "time": [
        "equal timestamps",
        "disorder within what is open",
        "event too late for one window, in time for the next",
        "late event",
        "late run broken by an event on time",
        "late run one short of a session: apps",
        "late run one short of a session: keys, mouse",
        "clock set back, a new session: apps",
        "clock set back, a new session: keys, mouse",
        "a window's end that comes again",
        "idle gap longer than a window",
        "idle gap or clock jump of an hour or more",
        "event exactly at a window's end",
        "event 1 us after a window's end",
        "event exactly at end - window",
        "stream time exactly end + lateness",
        "stream time 1 us past end + lateness",
    ],
    "windows": [
        "short window",
        "short window, one event too few",
        "window with exactly the minimum",
        "full window with nothing in its last interval: not emitted",
        "window closed by the end of a session or of the input",
        "window in developer mode by an event",
        "window that ends after the year 9999",
        "full buffer: an older event goes",
        "full buffer: the new event goes",
        LARGE_EFFECT,
    ],
    "keystrokes": [
        "rollover",
        "auto-repeat ignored",
        "lost release: the key is restarted",
        "press exactly 1 s after the last repeat",
        "lost press: release of a key that is up",
        "dwell of exactly 0 ms",
        "dwell of exactly 1000 ms",
        "flight of exactly 0 ms",
        "flight of exactly 2000 ms",
        "digraph gap of exactly 2000 ms",
        "digraph rank decided by a tie",
        "more than 20 digraphs",
        "press gap of exactly 5000 ms",
        "no press gap at all",
        "a correction key",
    ],
    "mouse": [
        "fewer than 3 moves",
        "turn folded into [0, pi]",
        "dt below 1 ms raised",
        "dt of exactly 0.1 s",
        "speed beyond the limit left out",
        "acceleration beyond the limit left out",
        "jerk beyond the limit left out",
        "path shorter than 1 px",
        "-0 as a coordinate matters",
        "a button that is none of the three",
        "lost release: the button is restarted",
        "release of a button that is up",
        "presses exactly 500 ms apart",
        "click of exactly 0 ms",
        "click of exactly 5000 ms",
        "scroll without a delta",
        "scroll of zero",
    ],
    "apps": [
        "focus repeated",
        "focus repeated in developer mode",
        "transition of no time",
        "more than 200 apps: one folded",
        "folded app comes back",
        "an app named (other)",
        "(other) to (other) kept",
        "most used: more than 10 apps",
        "most used: rank decided by a tie",
        "patterns over several hours of the day",
    ],
}

INPUT = {
    "settings": SETTINGS,
    "arrival": ARRIVAL,
    "messages that are passed over": [IGNORED, FOREIGN, "message with random changes"],
    "unusual but valid": [f"valid: {name}" for name in ODD],
    "malformed": [f"malformed: {name}" for name in ALL_BROKEN],
}

REQUIRED: dict[str, list[str]] = {**INPUT, **EFFECTS}
