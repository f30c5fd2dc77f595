"""What a window and an event cost in instructions: the same number on every machine of one kind, however busy it is.

valgrind's callgrind counts them. A window's are the difference of two replays of the same events, of which one emits no
window; an event's, with its share of the six windows that it is in, are the difference of a replay and one of twice as
many. So what a start costs is in neither.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from .. import IMPLEMENTATIONS, BenchError, load
from ..machine import Counted, instructions
from ..program import program_of
from . import Lab
from .window import KEYS, NEVER

# Of the load's rate. Under callgrind Python would take minutes for all of it.
PACE = {"rust": 1.0, "python": 0.2}
KINDS = ("keystroke", "mouse")
_END = load.last_end(1_700_000_000_000_000)


def measure(lab: Lab, windows: Mapping[str, int], seconds: float) -> None:
    """`windows`: how many each implementation computes in one replay; `seconds` of events, as the load has them."""
    for name in IMPLEMENTATIONS:
        figures = {"window_instructions": _of_a_window(lab.programs[name], windows[name])}
        for kind in KINDS:
            figures[f"event_instructions_{kind}"] = _of_an_event(lab.programs[name], kind, seconds, PACE[name])
        for figure, value in figures.items():
            lab.figures.add(figure, name, value)
        lab.say(f"  {name}: " + ", ".join(f"{value:,.0f}" for value in figures.values()))


def _of_a_window(programs: Path, windows: int) -> float:
    text = _lines(load.typing(windows, KEYS, _END))
    with_them, without = _replayed(programs, "keystroke", text), _replayed(programs, "keystroke", text, NEVER)
    emitted = with_them.out.count(b"\n")
    if without.out or emitted < windows:
        raise BenchError(f"{programs} emitted {emitted} windows of {windows}, and some where none was due")
    return (with_them.instructions - without.instructions) / emitted


def _of_an_event(programs: Path, kind: str, seconds: float, pace: float) -> float:
    count = round(load.RATES[kind] * pace * seconds)
    once, twice = (_lines(load.events(kind, many, _END, pace)) for many in (count, 2 * count))
    return (_replayed(programs, kind, twice).instructions - _replayed(programs, kind, once).instructions) / count


def _lines(messages: Iterable[bytes]) -> bytes:
    return b"".join(message + b"\n" for message in messages)


def _replayed(programs: Path, kind: str, text: bytes, least: str | None = None) -> Counted:
    words = [str(program_of(programs, kind)), "--replay", "-"]
    counted = instructions(words + (["--min-events", least] if least else []), text)
    if counted is None:
        raise BenchError("instructions are counted by valgrind, which is missing or does not run here: `make setup`")
    return counted
