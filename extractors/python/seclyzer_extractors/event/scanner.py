"""Messages as producers usually send them, decoded by msgspec: some fifteen times as fast as the strict way.

msgspec is as strict as the contract about JSON, UTF-8, surrogates and the range of numbers, and these types about
each field. So what they accept, the strict way accepts with the same values, but for two things that the reader
has to look at: a `ts` that is a float, and `-0`, which comes as 0.0. All else is refused: unknown fields, fields
that another event uses and that have a wrong type, other kinds of messages, and whatever is malformed.
"""

from collections.abc import Callable
from typing import Annotated, Literal

from msgspec import Meta, MsgspecError, Struct
from msgspec.json import Decoder

MAX_BYTES = 4096
MAX_TS = 253402300799999999  # the last microsecond of the year 9999
MAX_NUMBER = 1e6

Ts = Annotated[int, Meta(ge=1, le=MAX_TS)] | float  # an `int` alone would take 5.0 for 5
Number = Annotated[float, Meta(ge=-MAX_NUMBER, le=MAX_NUMBER)] | None
Name = Annotated[str, Meta(min_length=1, max_length=64)]


class Keystroke(Struct, tag_field="type", tag="keystroke", forbid_unknown_fields=True, gc=False):
    ts: Ts
    key: Name
    event: Literal["press", "release"]
    dev_mode: bool | None = None


class Mouse(Struct, tag_field="type", tag="mouse", forbid_unknown_fields=True, gc=False):
    ts: Ts
    event: Literal["move", "press", "release", "scroll"]
    dev_mode: bool | None = None
    x: Number = None
    y: Number = None
    button: Name | None = None
    scroll_delta: Number = None


class App(Struct, tag_field="type", tag="app", forbid_unknown_fields=True, gc=False):
    ts: Ts
    app_name: Annotated[str, Meta(min_length=1, max_length=256)]
    dev_mode: bool | None = None
    event: Literal["focus"] | None = None
    window_class: str | None = None


Message = Keystroke | Mouse | App
UNUSUAL = (MsgspecError, ValueError, RecursionError)  # ValueError: no UTF-8, thousands of digits; the last: brackets
decode: Callable[[bytes], Message] = Decoder(Message).decode  # raises one of these when only the strict way can tell
