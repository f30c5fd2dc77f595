"""JSON tokens as bytes: mostly right, at the edges of what is right, or wrong in ways that parsers differ about."""

from __future__ import annotations

import random
from collections.abc import Callable

EDGES = [0, 1, 2**31, 2**32, 2**53 - 1, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 2**127, 10**6, 10**6 + 1]
EDGES += [999_999, 253402300799999999, 253402300800000000, 10**19, 10**22, 10**23, 10**308, 10**309]
FLOATS = ["1e6", "1E+6", "1000000.0", "1000000.00000000001", "1000000.0000000001", "1000000.00000000005820766091346741"]
FLOATS += [
    "1000001e-0",
    "0.1e7",
    "10000000e-1",
    "1e-400",
    "-1e-400",
    "0e999999999",
    "-0e0",
    "-0.0",
    "0.0e-999",
    "-0E+0",
]
FLOATS += ["1.7976931348623157e308", "1.7976931348623158e308", "1.7976931348623159e308", "1.797693134862315807e308"]
FLOATS += ["17976931348623158" + "0" * 292, "17976931348623159" + "0" * 292, "1e308", "1e309", "-1e309", "9e307"]
FLOATS += ["4.9e-324", "2.4703282292062327e-324", "2.4703282292062328e-324", "2.2250738585072011e-308"]
FLOATS += [
    "0.000001e9999999999999999999",
    "1e18446744073709551616",
    "1e-18446744073709551617",
    "0e18446744073709551616",
]
NO_NUMBERS = ["01", "-01", "00", "+1", ".5", "-.5", "5.", "-5.", "1.e5", "1e", "1e+", "1E-", "--1", "-", "- 1", "1 2"]
NO_NUMBERS += [
    "0x1",
    "1_0",
    "NaN",
    "-NaN",
    "Infinity",
    "-Infinity",
    "inf",
    "nan",
    "1f",
    "1L",
    "\uff11",
    "\u0661",
    "1,5",
]
NO_NUMBERS += ["True", "None", "tru", "truee", "nul", "undefined", "0b1", "1e5.5", "1.5.5", "0.", "1e 5", "\u22121"]
PAIRS = ["\\ud83d\\ude00", "\\uD800\\uDC00", "\\udbff\\udfff", "\\uD834\\udd1e"]
LONE = ["\\ud800", "\\udfff", "\\ud83dx", "\\ude00\\ud83d", "\\ud83d\\ud83d", "\\ud83d\\n", "\\uD83D\\u0041", "\\udc00"]
BAD_ESCAPES = ["\\x41", "\\a", "\\'", "\\0", "\\u12", "\\u12g4", "\\u+123", "\\U0041", "\\u 041", "\\\n", "\\", "\\u"]
BAD_BYTES = [b"\xff", b"\x80", b"\xc0\x80", b"\xc0\xaf", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf8\x88"]
BAD_BYTES += [
    b"\xf4\x90\x80\x80",
    b"\xe2\x82",
    b"\xf0\x9f\x98",
    b"\xc3",
    b"\xf0\x82\x82\xac",
    b"\xfe\xff",
    b"\xed\xa0\xbd\xed\xb8\x80",
]
RAW_CONTROLS = [bytes([code]) for code in range(0x20)]
PLAIN = ["a", "Z", "0", " ", ",", "=", "{", "}", "[", "]", ":", "/", "'", "#", "\x7f", "\x80", "\x85", "\xa0"]
PLAIN += [
    "ä",
    "ß",
    "\u0301",
    "\u2028",
    "\ufeff",
    "\uffff",
    "\ue000",
    "\ud7ff",
    "\U0001f600",
    "\U0010ffff",
    "日本",
    "NaN",
]
ESCAPED = [
    '\\"',
    "\\\\",
    "\\/",
    "\\b",
    "\\f",
    "\\n",
    "\\r",
    "\\t",
    "\\u0000",
    "\\u001f",
    "\\u007F",
    "\\u0041",
    "\\uffff",
]
WORDS = [
    '"keystroke"',
    '"mouse"',
    '"app"',
    '"battery"',
    '"press"',
    '"release"',
    '"move"',
    '"scroll"',
    '"focus"',
    '"Left"',
]
LENGTHS = [1, 2, 5, 63, 64, 65, 255, 256, 257]

Token = Callable[[random.Random], bytes]


def number(rng: random.Random) -> bytes:
    """A number, mostly one that is right."""
    way = rng.randrange(10)
    if way < 3:
        token = str(rng.choice(EDGES) + rng.choice([0, 0, -1, 1]))
    elif way < 5:
        token = rng.choice(FLOATS)
    elif way == 5:
        token = "".join(rng.choices("0123456789", k=rng.choice([1, 3, 17, 25, 310, 400])))
    elif way < 8:
        token = f"{rng.uniform(-1e6, 1e6):.{rng.choice([1, 6, 17, 40])}{rng.choice('ef')}}"
    elif way == 8:
        digits = "".join(rng.choices("0123456789", k=rng.choice([1, 5, 20, 800])))
        token = f"{rng.randrange(10)}.{digits}e{rng.choice([0, 5, -5, 300, 307, 308, -308, -323, -324])}"
    else:
        token = rng.choice(NO_NUMBERS)
    return (rng.choice(["", "", "-"]) + token).encode()


def string(rng: random.Random) -> bytes:
    """A string in quotes, mostly one that is right, often just short or just too long."""
    if rng.random() < 0.3:
        return (
            b'"'
            + rng.choice(["a", "\U0001f600", "\\ud83d\\ude00", "\\u0041", "ä"]).encode() * rng.choice(LENGTHS)
            + b'"'
        )
    parts = []
    for _ in range(rng.choice([0, 1, 1, 2, 3, 8, 30])):
        way = rng.random()
        if way < 0.60:
            parts.append(rng.choice(PLAIN).encode())
        elif way < 0.80:
            parts.append(rng.choice(ESCAPED).encode())
        elif way < 0.90:
            parts.append(rng.choice(PAIRS).encode())
        elif way < 0.965:
            parts.append(chr(rng.choice([rng.randrange(0x20, 0xD800), rng.randrange(0xE000, 0x110000)])).encode())
        else:
            parts.append(wrong_part(rng))
    return b'"' + b"".join(parts) + b'"'


def wrong_part(rng: random.Random) -> bytes:
    """What may not stand in a string."""
    return rng.choice(
        [rng.choice(LONE).encode(), rng.choice(BAD_ESCAPES).encode(), rng.choice(BAD_BYTES), rng.choice(RAW_CONTROLS)]
    )


def container(rng: random.Random) -> bytes:
    """Nested: never right."""
    return rng.choice([b"[]", b"{}", b"[1]", b'{"a":1}', b"[" * 50 + b"]" * 50, b'[{"a":[]}]', b"[", b"{", b"]"])


def value(rng: random.Random) -> bytes:
    """Any value."""
    way = rng.random()
    if way < 0.15:
        return rng.choice(WORDS).encode()
    if way < 0.4:
        return string(rng)
    if way < 0.75:
        return number(rng)
    if way < 0.97:
        return rng.choice([b"true", b"false", b"null"])
    return container(rng)


def blank(rng: random.Random) -> bytes:
    """Mostly nothing or JSON's own blanks."""
    if rng.random() < 0.9:
        return rng.choice([b"", b"", b"", b" ", b"\t", b"\r", b"\n", b" \r\n\t "])
    if rng.random() < 0.9:
        return b""
    return rng.choice(
        [b"\x0b", b"\x0c", b"\xc2\xa0", b"\xe2\x80\xa8", b"\xef\xbb\xbf", b"\x00", b"/**/", b"\x1e", b"\x85"]
    )
