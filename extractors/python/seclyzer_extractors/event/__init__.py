"""One message, parsed and checked: bytes in; an event, MALFORMED or IGNORED out. All extractors use the same.

A message is one flat JSON object of at most 4096 bytes. Its form is checked first and whole, then `type`,
then the fields that this kind of event uses; others are left alone. `null` and an absent field are the same.
What `scanner` is sure to be valid is taken from there; the strict way below gives the same, and decides on all else.
"""

import json
from collections.abc import Callable
from enum import Enum
from typing import Any, NoReturn

from msgspec import Struct

from . import scanner
from .scanner import MAX_BYTES, MAX_NUMBER
from .scanner import MAX_TS as MAX_TS


class Key(Struct, frozen=True, gc=False):  # tens of thousands are held: a Struct is smaller and made faster
    """A key went down or up; `ts` in µs since the Unix epoch."""

    ts: int
    dev_mode: bool
    key: str
    pressed: bool


class Move(Struct, frozen=True, gc=False):
    """The pointer moved to (x, y) pixels."""

    ts: int
    dev_mode: bool
    x: float
    y: float


class Button(Struct, frozen=True, gc=False):
    """A mouse button went down or up."""

    ts: int
    dev_mode: bool
    button: str
    pressed: bool


class Scroll(Struct, frozen=True, gc=False):
    """The wheel turned by `delta` steps, up positive; None when the producer does not say how far."""

    ts: int
    dev_mode: bool
    delta: float | None


class Focus(Struct, frozen=True, gc=False):
    """An application got the focus."""

    ts: int
    dev_mode: bool
    app: str


Event = Key | Move | Button | Scroll | Focus


class Unusable(Enum):
    """Why a message gives no event."""

    MALFORMED = "malformed"
    IGNORED = "ignored"  # an event of another kind


MALFORMED = Unusable.MALFORMED
IGNORED = Unusable.IGNORED

Fields = dict[str, Any]


def parse(message: bytes) -> Event | Unusable:
    """The event in `message`. One line ending after it is not part of it."""
    return scan(message) or parse_strictly(message)


def scan(message: bytes) -> Event | None:
    """The event of a message that is surely valid; None when only the strict way can tell."""
    if len(message) > MAX_BYTES:
        return None
    try:
        found = scanner.decode(message)
    except scanner.UNUSUAL:
        return None
    if type(found.ts) is not int:
        return None
    dev_mode = found.dev_mode is True
    if type(found) is scanner.Mouse:
        return _scanned_mouse(found, found.ts, dev_mode, message)
    if type(found) is scanner.Keystroke:
        return Key(found.ts, dev_mode, found.key, found.event == "press")
    if type(found) is scanner.App:
        return Focus(found.ts, dev_mode, found.app_name)
    return None


def _scanned_mouse(found: scanner.Mouse, ts: int, dev_mode: bool, message: bytes) -> Move | Button | Scroll | None:
    event, x, y = found.event, found.x, found.y
    if event == "move":
        if x is not None and y is not None and ((x and y) or b"-0" not in message):
            return Move(ts, dev_mode, x, y)
    elif event == "scroll":
        if found.scroll_delta or b"-0" not in message:
            return Scroll(ts, dev_mode, found.scroll_delta)
    elif found.button is not None:
        return Button(ts, dev_mode, found.button, event == "press")
    return None


def parse_strictly(message: bytes) -> Event | Unusable:
    """The same, with every rule spelled out."""
    try:
        return _read(message)
    except (ValueError, RecursionError):  # RecursionError: thousands of brackets inside each other
        return MALFORMED


def fault(message: bytes) -> str:
    """Which rule a malformed message breaks, in words that repeat nothing of it; empty when it is not malformed."""
    try:
        _read(message)
    except UnicodeError:
        return "it is not valid UTF-8, or holds a lone surrogate"
    except json.JSONDecodeError as error:
        return f"it is not JSON, from character {error.pos + 1} on"
    except RecursionError:
        return RULES["nested"]
    except ValueError as error:
        return RULES.get(str(error), "it is not JSON")
    return ""


def _read(message: bytes) -> Event | Unusable:
    """The event, or IGNORED. Raises ValueError with the rule that is broken, a name of RULES or Python's own words."""
    fields = _decode(_without_line_ending(message))
    kind = fields.get("type")
    if type(kind) is not str:
        raise ValueError("type")
    read = _READERS.get(kind)
    return IGNORED if read is None else read(fields)


RULES = {
    "too long": f"it has more than {MAX_BYTES} bytes",
    "no object": "it is JSON, but no object",
    "nested": "a value is an object or an array",
    "beyond float64": "a number is beyond float64",
    "type": "type is missing, or no string",
    "ts": f"ts has to be an integer of µs since 1970, from 1 to {MAX_TS}, without fraction or exponent",
    "dev_mode": "dev_mode has to be true, false or null",
    "key": "key has to be a string of 1 to 64 characters",
    "button": "button has to be a string of 1 to 64 characters",
    "app_name": "app_name has to be a string of 1 to 256 characters",
    "window_class": "window_class has to be a string",
    "event": "event is none that this type has",
    "x": f"x has to be a number up to ±{MAX_NUMBER:g}",
    "y": f"y has to be a number up to ±{MAX_NUMBER:g}",
    "scroll_delta": f"scroll_delta has to be a number up to ±{MAX_NUMBER:g}",
}
"""Each rule that a message can break, in words."""


def _without_line_ending(message: bytes) -> bytes:
    if message.endswith(b"\n"):
        return message[:-2] if message.endswith(b"\r\n") else message[:-1]
    return message


# --- the form: strict JSON, flat -------------------------------------------------------------------


def _decode(message: bytes) -> Fields:
    if len(message) > MAX_BYTES:
        raise ValueError("too long")
    text = message.decode("utf-8")
    decoder = _DECODER_OF_ESCAPES if "\\u" in text else _DECODER
    fields = decoder.decode(text)
    if type(fields) is not dict:
        raise ValueError("no object")
    return fields


def _flat(pairs: list[tuple[str, Any]]) -> Fields:
    """The object of these pairs. Of a key found twice the last one counts; nesting is refused anywhere."""
    for _, value in pairs:
        if type(value) is dict or type(value) is list:
            raise ValueError("nested")
    return dict(pairs)


def _flat_and_encodable(pairs: list[tuple[str, Any]]) -> Fields:
    """The same, and no string holds a lone surrogate: those can only come from `\\u` escapes."""
    for name, value in pairs:
        name.encode()
        if type(value) is str:
            value.encode()
    return _flat(pairs)


def _integer(token: str) -> int | float:
    if token == "-0":
        return -0.0
    value = int(token)
    if len(token) > 300:
        _finite(token)
    return value


def _finite(token: str) -> float:
    value = float(token)
    if value - value != 0.0:
        raise ValueError("beyond float64")
    return value


def _no_constant(token: str) -> NoReturn:
    raise ValueError("NaN and Infinity are no JSON")


def _decoder(pairs_hook: Callable[[list[tuple[str, Any]]], Fields]) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=pairs_hook, parse_int=_integer, parse_float=_finite, parse_constant=_no_constant
    )


_DECODER = _decoder(_flat)
_DECODER_OF_ESCAPES = _decoder(_flat_and_encodable)


# --- the fields of each kind of event --------------------------------------------------------------


def _read_keystroke(fields: Fields) -> Key:
    ts, dev_mode = _ts_and_dev_mode(fields)
    key = _text(fields, "key", 64)
    return Key(ts, dev_mode, key, _pressed(fields.get("event")))


def _read_mouse(fields: Fields) -> Move | Button | Scroll:
    ts, dev_mode = _ts_and_dev_mode(fields)
    event = fields.get("event")
    if event == "move":
        return Move(ts, dev_mode, _number(fields, "x"), _number(fields, "y"))
    if event == "scroll":
        given = fields.get("scroll_delta") is not None
        return Scroll(ts, dev_mode, _number(fields, "scroll_delta") if given else None)
    pressed = _pressed(event)
    return Button(ts, dev_mode, _text(fields, "button", 64), pressed)


def _read_app(fields: Fields) -> Focus:
    ts, dev_mode = _ts_and_dev_mode(fields)
    app = _text(fields, "app_name", 256)
    window_class = fields.get("window_class")
    if window_class is not None and type(window_class) is not str:
        raise ValueError("window_class")
    if fields.get("event") not in (None, "focus"):
        raise ValueError("event")
    return Focus(ts, dev_mode, app)


def _ts_and_dev_mode(fields: Fields) -> tuple[int, bool]:
    ts = fields.get("ts")
    if type(ts) is not int or not 1 <= ts <= MAX_TS:
        raise ValueError("ts")
    dev_mode = fields.get("dev_mode")
    if dev_mode is not None and type(dev_mode) is not bool:
        raise ValueError("dev_mode")
    return ts, dev_mode is True


def _pressed(value: object) -> bool:
    if value == "press":
        return True
    if value == "release":
        return False
    raise ValueError("event")


def _text(fields: Fields, name: str, longest: int) -> str:
    """A string of 1 to `longest` code points."""
    value = fields.get(name)
    if type(value) is not str or not 1 <= len(value) <= longest:
        raise ValueError(name)
    return value


def _number(fields: Fields, name: str) -> float:
    value = fields.get(name)
    if (type(value) is float or type(value) is int) and -MAX_NUMBER <= value <= MAX_NUMBER:
        return float(value)
    raise ValueError(name)


_READERS: dict[str, Callable[[Fields], Event]] = {
    "keystroke": _read_keystroke,
    "mouse": _read_mouse,
    "app": _read_app,
}
