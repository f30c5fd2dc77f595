"""Makes the operator of a kind. The running program, a replay, tests and benchmarks drive the same one."""

from typing import Any

from . import keystroke, mouse, schema
from .apps import TransitionOperator
from .config import Settings
from .core import Operator
from .event import Button, Key, Move, Scroll
from .windowing import WindowOperator


def make_operator(kind: str, settings: Settings) -> Operator[Any]:
    """The operator of `keystroke`, `mouse` or `app`."""
    timing, after = settings.timing, schema.kind(kind).session_after
    limits = settings.min_events, settings.buffer_events, settings.dev_mode
    if kind == "keystroke":
        return WindowOperator((Key,), after, keystroke.Windows().features, timing, *limits)
    if kind == "mouse":
        return WindowOperator((Move, Button, Scroll), after, mouse.Windows().features, timing, *limits)
    return TransitionOperator(after, timing.lateness, timing.idle_timeout, settings.buffer_events, settings.dev_mode)
