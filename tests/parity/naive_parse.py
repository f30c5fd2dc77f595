"""Messages, contract section 1: a small strict reader of RFC 8259, and the table of fields.

`read_message` takes one message as bytes (its line ending removed) and answers an `Event`, or `None` for
another program's event, or raises `Malformed` with the reason.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

MAX_BYTES = 4096
MAX_TS = 253402300799999999
MAX_NUMBER = 1e6
TYPES = ("keystroke", "mouse", "app")

BLANK = " \t\n\r"
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
HEX4 = re.compile(r"[0-9a-fA-F]{4}")
ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class Malformed(Exception):
    """This message breaks the contract; the text tells how, for the eyes of a test only."""


@dataclass(frozen=True)
class Number:
    """A number as it was written; what it means depends on the field."""

    text: str

    @property
    def value(self) -> float:
        return float(self.text)


Value = str | bool | Number | None


@dataclass(frozen=True)
class Event:
    """A valid event. `name` is the key, the button or the application; `ts` is in µs."""

    type: str
    ts: int
    dev: bool
    event: str
    name: str = ""
    x: float = 0.0
    y: float = 0.0
    delta: float | None = None


class Reader:
    """Walks over the text of one message, character by character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def peek(self) -> str:
        return self.text[self.at] if self.at < len(self.text) else ""

    def skip_blank(self) -> None:
        while self.peek() and self.peek() in BLANK:
            self.at += 1

    def want(self, literal: str) -> None:
        if self.text[self.at : self.at + len(literal)] != literal:
            raise Malformed(f"{literal!r} expected at {self.at}")
        self.at += len(literal)

    def message(self) -> dict[str, Value]:
        """The whole message: one flat object and nothing after it; the last of equal keys stands."""
        self.skip_blank()
        self.want("{")
        found: dict[str, Value] = {}
        self.skip_blank()
        if self.peek() == "}":
            self.at += 1
        else:
            while True:
                self.skip_blank()
                key = self.string()
                self.skip_blank()
                self.want(":")
                self.skip_blank()
                found[key] = self.value()
                self.skip_blank()
                if self.peek() == "}":
                    self.at += 1
                    break
                self.want(",")
        self.skip_blank()
        if self.at != len(self.text):
            raise Malformed("something stands after the object")
        return found

    def value(self) -> Value:
        first = self.peek()
        if first == '"':
            return self.string()
        if first in ("{", "["):
            raise Malformed("nested")
        for literal, meaning in (("true", True), ("false", False), ("null", None)):
            if first == literal[0]:
                self.want(literal)
                return meaning
        return self.number()

    def number(self) -> Number:
        match = NUMBER.match(self.text, self.at)
        if match is None:
            raise Malformed("no value")
        self.at = match.end()
        number = Number(match.group())
        if math.isinf(number.value):
            raise Malformed("beyond float64")
        return number

    def unit(self) -> int:
        """The four hexadecimal digits of a `\\u` escape."""
        match = HEX4.match(self.text, self.at)
        if match is None:
            raise Malformed("bad \\u escape")
        self.at += 4
        return int(match.group(), 16)

    def string(self) -> str:
        self.want('"')
        out: list[str] = []
        while True:
            character = self.peek()
            if character == "":
                raise Malformed("the string does not end")
            self.at += 1
            if character == '"':
                return "".join(out)
            if character < " ":
                raise Malformed("control character in a string")
            out.append(self.escape() if character == "\\" else character)

    def escape(self) -> str:
        kind = self.peek()
        self.at += 1
        if kind in ESCAPES and kind:
            return ESCAPES[kind]
        if kind != "u":
            raise Malformed("unknown escape")
        unit = self.unit()
        if 0xDC00 <= unit <= 0xDFFF:
            raise Malformed("lone low surrogate")
        if not 0xD800 <= unit <= 0xDBFF:
            return chr(unit)
        if self.text[self.at : self.at + 2] != "\\u":
            raise Malformed("lone high surrogate")
        self.at += 2
        low = self.unit()
        if not 0xDC00 <= low <= 0xDFFF:
            raise Malformed("lone high surrogate")
        return chr(0x10000 + (unit - 0xD800) * 0x400 + (low - 0xDC00))


def string(found: dict[str, Value], field: str, longest: int) -> str:
    """A field that must be a string of 1 to `longest` code points."""
    value = found.get(field)
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise Malformed(field)
    return value


def one_of(found: dict[str, Value], field: str, allowed: tuple[str, ...]) -> str:
    value = found.get(field)
    if not isinstance(value, str) or value not in allowed:
        raise Malformed(field)
    return value


def coordinate(found: dict[str, Value], field: str) -> float:
    value = found.get(field)
    if not isinstance(value, Number) or not -MAX_NUMBER <= value.value <= MAX_NUMBER:
        raise Malformed(field)
    return value.value


def time(found: dict[str, Value]) -> int:
    value = found.get("ts")
    if not isinstance(value, Number) or INTEGER.fullmatch(value.text) is None:
        raise Malformed("ts")
    if not 1 <= int(value.text) <= MAX_TS:
        raise Malformed("ts out of range")
    return int(value.text)


def read_message(message: bytes) -> Event | None:
    """One message; the bytes of its line ending are not part of it."""
    if len(message) > MAX_BYTES:
        raise Malformed("too long")
    try:
        text = message.decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        raise Malformed("not UTF-8") from error
    found = Reader(text).message()
    kind = found.get("type")
    if not isinstance(kind, str):
        raise Malformed("type")
    if kind not in TYPES:
        return None
    ts = time(found)
    dev = found.get("dev_mode")
    if dev is not None and not isinstance(dev, bool):
        raise Malformed("dev_mode")
    if kind == "keystroke":
        name = string(found, "key", 64)
        return Event(kind, ts, bool(dev), one_of(found, "event", ("press", "release")), name)
    if kind == "app":
        name = string(found, "app_name", 256)
        window_class = found.get("window_class")
        if window_class is not None and not isinstance(window_class, str):
            raise Malformed("window_class")
        if found.get("event") is not None:
            one_of(found, "event", ("focus",))
        return Event(kind, ts, bool(dev), "focus", name)
    event = one_of(found, "event", ("move", "press", "release", "scroll"))
    if event == "move":
        return Event(kind, ts, bool(dev), event, x=coordinate(found, "x"), y=coordinate(found, "y"))
    if event == "scroll":
        given = found.get("scroll_delta") is not None
        return Event(kind, ts, bool(dev), event, delta=coordinate(found, "scroll_delta") if given else None)
    return Event(kind, ts, bool(dev), event, string(found, "button", 64))
