"""How events are written as messages: plain, oddly but validly, or broken in every way the contract names.

An event here is a dict of field to JSON token (`{"type": '"mouse"', "x": "-0", …}`), so that a stream decides
itself how each value is written. A message is bytes without its line ending.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable

Tokens = dict[str, str]
Broken = Callable[[random.Random, Tokens], bytes]
Odd = Callable[[random.Random, Tokens], Tokens | bytes]


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def escaped(rng: random.Random, text: str) -> str:
    """The same string with characters written as escapes here and there, pairs of surrogates included."""
    parts = []
    for character in text:
        code = ord(character)
        if code < 0x20 or character in '"\\' or rng.random() < 0.5:
            units = [code] if code < 0x10000 else [0xD7C0 + (code >> 10), 0xDC00 + (code & 0x3FF)]
            form = rng.choice(["\\u{:04x}", "\\u{:04X}"])
            parts.append("".join(form.format(unit) for unit in units))
        else:
            parts.append("\\/" if character == "/" else character)
    return '"' + "".join(parts) + '"'


def members(tokens: Tokens) -> list[str]:
    return [f"{quoted(key)}:{token}" for key, token in tokens.items()]


def write(tokens: Tokens) -> bytes:
    return ("{" + ",".join(members(tokens)) + "}").encode()


def padded(tokens: Tokens, length: int) -> bytes:
    """The message with an unknown key that brings it to exactly `length` bytes."""
    empty = write({**tokens, "pad": '""'})
    return write({**tokens, "pad": '"' + "p" * (length - len(empty)) + '"'})


def with_token(field: str, token: str) -> Broken:
    return lambda rng, tokens: write({**tokens, field: token})


def without(field: str) -> Broken:
    return lambda rng, tokens: write({key: token for key, token in tokens.items() if key != field})


def raw(change: Callable[[bytes], bytes]) -> Broken:
    return lambda rng, tokens: change(write(tokens))


def either(*choices: Broken) -> Broken:
    return lambda rng, tokens: rng.choice(choices)(rng, tokens)


def inserted(literal: bytes) -> Broken:
    """Puts raw bytes into a string value of an unknown key."""
    return raw(lambda message: message[:-1] + b',"note":"' + literal + b'"}')


HUGE = "1" + "0" * 400

# Broken whatever the type of the message: the JSON itself.
BROKEN_JSON: dict[str, Broken] = {
    "4097 bytes": lambda rng, tokens: padded(tokens, 4097),
    "far too long": lambda rng, tokens: padded(tokens, 70_000),
    "byte order mark": raw(lambda message: b"\xef\xbb\xbf" + message),
    "UTF-16": raw(lambda message: message.decode().encode("utf-16-be")),
    "invalid UTF-8: stray byte": inserted(b"\xff"),
    "invalid UTF-8: overlong": inserted(b"\xc0\xaf"),
    "invalid UTF-8: encoded surrogate": inserted(b"\xed\xa0\x80"),
    "invalid UTF-8: beyond U+10FFFF": inserted(b"\xf4\x90\x80\x80"),
    "invalid UTF-8: cut short": inserted(b"\xe2\x82"),
    "lone high surrogate": inserted(b"\\ud83d"),
    "lone high surrogate before a character": inserted(b"\\ud83dx"),
    "lone high surrogate before an escape": inserted(b"\\ud83d\\u0041"),
    "two high surrogates": inserted(b"\\ud83d\\ud83d"),
    "lone low surrogate": inserted(b"\\ude00"),
    "surrogates the wrong way round": inserted(b"\\ude00\\ud83d"),
    "lone surrogate in a key name": raw(lambda message: message[:-1] + b',"\\ud800":1}'),
    "control character in a string": inserted(b"\x01"),
    "tab in a string": inserted(b"\t"),
    "zero byte in a string": inserted(b"\x00"),
    "unknown escape": either(inserted(b"\\x41"), inserted(b"\\a"), inserted(b"\\'"), inserted(b"\\U0041")),
    "short \\u escape": either(inserted(b"\\u12"), inserted(b"\\u12g4"), inserted(b"\\u+123"), inserted(b"\\u 123")),
    "NaN": with_token("note", "NaN"),
    "Infinity": either(with_token("note", "Infinity"), with_token("note", "-Infinity"), with_token("note", "inf")),
    "number beyond float64": either(
        with_token("note", "1e400"),
        with_token("note", "-1e309"),
        with_token("note", HUGE),
        with_token("note", "1.7976931348623159e308"),
        with_token("note", HUGE + ".5e-3"),
    ),
    "number beyond float64 under a repeated key": raw(lambda message: b'{"ts":1e400,' + message[1:]),
    "leading zero": either(with_token("note", "01"), with_token("note", "-01"), with_token("note", "00")),
    "plus sign": with_token("note", "+1"),
    "bare point": either(with_token("note", "1."), with_token("note", ".5"), with_token("note", "-.5")),
    "bare exponent": either(with_token("note", "1e"), with_token("note", "1e+"), with_token("note", "1.e3")),
    "hexadecimal or grouped number": either(with_token("note", "0x10"), with_token("note", "1_000")),
    "lone minus": with_token("note", "-"),
    "nested object in an unknown key": either(with_token("note", "{}"), with_token("note", '{"a":1}')),
    "nested array in an unknown key": either(with_token("note", "[]"), with_token("note", "[1,2]")),
    "nested value under a repeated key": raw(lambda message: b'{"type":[],' + message[1:]),
    "nested value in a field not used": either(with_token("app_name", "[0]"), with_token("window_class", "{}")),
    "deep nesting": either(
        with_token("note", "[" * 1500 + "]" * 1500),
        with_token("note", '{"a":' * 300 + "1" + "}" * 300),
        raw(lambda message: b"[" * 4000),
        raw(lambda message: b'{"a":' * 800),
    ),
    "top level is an array": raw(lambda message: b"[" + message + b"]"),
    "top level is a scalar": either(
        raw(lambda message: b"1"),
        raw(lambda message: b"null"),
        raw(lambda message: b'"keystroke"'),
        raw(lambda message: b"true"),
        raw(lambda message: b'"{}"'),
    ),
    "something after the object": either(
        raw(lambda message: message + b"x"),
        raw(lambda message: message + message),
        raw(lambda message: message + b","),
        raw(lambda message: message + b"}"),
        raw(lambda message: message + b"\x00"),
    ),
    "something before the object": either(raw(lambda message: b"x" + message), raw(lambda message: b"," + message)),
    "blanks that are not JSON's": either(
        raw(lambda message: message + b"\x0c"),
        raw(lambda message: b"\x0b" + message),
        raw(lambda message: message + "\u00a0".encode()),
        raw(lambda message: b"{" + "\u2028".encode() + message[1:]),
        raw(lambda message: message + b"\x1e"),
        raw(lambda message: message + b"\x85"),
    ),
    "cut short": lambda rng, tokens: write(tokens)[: rng.randrange(1, len(write(tokens)))],
    "a line of blanks": either(raw(lambda message: b" "), raw(lambda message: b"\t \t"), raw(lambda message: b"\r\r")),
    "trailing comma": raw(lambda message: message[:-1] + b",}"),
    "leading comma": raw(lambda message: b"{," + message[1:]),
    "missing comma": raw(lambda message: message[:-1] + b' "note":1}'),
    "missing colon": raw(lambda message: message[:-1] + b',"note" 1}'),
    "missing value": either(
        raw(lambda message: message[:-1] + b',"note":}'), raw(lambda message: message[:-1] + b',"note"}')
    ),
    "key without quotes": raw(lambda message: message[:-1] + b",note:1}"),
    "key that is no string": either(
        raw(lambda message: message[:-1] + b",1:1}"), raw(lambda message: message[:-1] + b",null:1}")
    ),
    "single quotes": raw(lambda message: message.replace(b'"', b"'")),
    "comment": either(raw(lambda message: message + b"//x"), raw(lambda message: b"/*x*/" + message)),
    "literal in another case": either(
        with_token("note", "True"), with_token("note", "NULL"), with_token("note", "None")
    ),
    "literal cut short": either(with_token("note", "tru"), with_token("note", "nul"), with_token("note", "falsey")),
    "empty object": raw(lambda message: b"{}"),
    "type missing": without("type"),
    "type null": with_token("type", "null"),
    "type no string": either(with_token("type", "1"), with_token("type", "true")),
    "type null last of two": raw(lambda message: message[:-1] + b',"type":null}'),
}

# Broken in a field of every event.
BROKEN_EVENT: dict[str, Broken] = {
    "ts missing": without("ts"),
    "ts null": with_token("ts", "null"),
    "ts with a fraction": lambda rng, tokens: write({**tokens, "ts": tokens["ts"] + ".0"}),
    "ts with an exponent": either(
        with_token("ts", "1e3"),
        with_token("ts", "17E14"),
        lambda rng, tokens: write({**tokens, "ts": tokens["ts"] + "e0"}),
    ),
    "ts a string": lambda rng, tokens: write({**tokens, "ts": '"' + tokens["ts"] + '"'}),
    "ts a boolean": either(with_token("ts", "true"), with_token("ts", "false")),
    "ts zero or less": either(with_token("ts", "0"), with_token("ts", "-0"), with_token("ts", "-5")),
    "ts too large": either(
        with_token("ts", "253402300800000000"),
        with_token("ts", "9223372036854775808"),
        with_token("ts", "18446744073709551617"),
        with_token("ts", "340282366920938463463374607431768211457"),
    ),
    "ts malformed last of two": raw(lambda message: message[:-1] + b',"ts":null}'),
    "ts malformed by an escaped key": raw(lambda message: message[:-1] + b',"\\u0074s":0}'),
    "dev_mode a number": either(with_token("dev_mode", "1"), with_token("dev_mode", "0")),
    "dev_mode a string": either(with_token("dev_mode", '"true"'), with_token("dev_mode", '""')),
}


def name_cases(field: str, longest: int) -> dict[str, Broken]:
    """Every fault of a required string of 1 to `longest` code points."""
    return {
        f"{field} missing": without(field),
        f"{field} null": with_token(field, "null"),
        f"{field} empty": with_token(field, '""'),
        f"{field} no string": either(with_token(field, "1"), with_token(field, "false")),
        f"{field} of {longest + 1} code points": either(
            with_token(field, quoted("k" * (longest + 1))), with_token(field, quoted("\U0001f600" * (longest + 1)))
        ),
    }


def event_cases(kind: str) -> dict[str, Broken]:
    """Every fault of the required `event` field."""
    return {
        f"{kind}: event missing": without("event"),
        f"{kind}: event null": with_token("event", "null"),
        f"{kind}: event unknown": either(
            with_token("event", '"Press"'), with_token("event", '"focus"'), with_token("event", '""')
        ),
        f"{kind}: event no string": either(with_token("event", "1"), with_token("event", "true")),
    }


def number_cases(field: str, required: bool) -> dict[str, Broken]:
    """Every fault of a number up to ±1e6."""
    cases: dict[str, Broken] = {
        f"{field} too large": either(
            with_token(field, "1000000.001"),
            with_token(field, "-1000001"),
            with_token(field, "1e7"),
            with_token(field, "9" * 40),
            with_token(field, "1e300"),
        ),
        f"{field} no number": either(
            with_token(field, '"1"'), with_token(field, "true"), with_token(field, "false"), with_token(field, '""')
        ),
        f"{field} beyond float64": either(with_token(field, "1e400"), with_token(field, "-" + HUGE)),
        f"{field} NaN": with_token(field, "NaN"),
    }
    if required:
        cases |= {f"{field} missing": without(field), f"{field} null": with_token(field, "null")}
    return cases


BROKEN_FIELDS: dict[str, dict[str, Broken]] = {
    "keystroke": {**name_cases("key", 64), **event_cases("keystroke")},
    "move": {**number_cases("x", True), **number_cases("y", True), **event_cases("mouse")},
    "button": {**name_cases("button", 64), **event_cases("mouse")},
    "scroll": number_cases("scroll_delta", False),
    "app": {
        **name_cases("app_name", 256),
        "app: event unknown": either(
            with_token("event", '"blur"'), with_token("event", '"press"'), with_token("event", '""')
        ),
        "app: event no string": either(with_token("event", "1"), with_token("event", "false")),
        "window_class no string": either(with_token("window_class", "1"), with_token("window_class", "true")),
    },
}


def shape(tokens: Tokens) -> str:
    """Which table of field faults an event takes its faults from."""
    kind = tokens["type"].strip('"')
    if kind != "mouse":
        return kind
    return {'"move"': "move", '"scroll"': "scroll"}.get(tokens["event"], "button")


def broken_cases(tokens: Tokens) -> dict[str, Broken]:
    return {**BROKEN_JSON, **BROKEN_EVENT, **BROKEN_FIELDS[shape(tokens)]}


ALL_BROKEN = sorted({*BROKEN_JSON, *BROKEN_EVENT, *(name for cases in BROKEN_FIELDS.values() for name in cases)})


# Valid, but written in a way that a careless reader would refuse or misread.
def spaced(rng: random.Random, tokens: Tokens) -> bytes:
    def blank() -> str:
        return rng.choice(["", " ", "\t", "\r", " \t "])

    inner = ",".join(f"{blank()}{quoted(k)}{blank()}:{blank()}{v}{blank()}" for k, v in tokens.items())
    return f"{blank()} {{{inner}}}{blank()}".encode()


def twice(rng: random.Random, tokens: Tokens) -> bytes:
    """A key given twice, wrong the first time: the last one counts."""
    field = rng.choice(list(tokens))
    wrong = rng.choice(["null", '"wrong"', "7", "true"])
    return ("{" + ",".join([f"{quoted(field)}:{wrong}", *members(tokens)]) + "}").encode()


def escaped_keys(rng: random.Random, tokens: Tokens) -> bytes:
    return ("{" + ",".join(f"{escaped(rng, key)}:{token}" for key, token in tokens.items()) + "}").encode()


def escaped_values(rng: random.Random, tokens: Tokens) -> Tokens:
    return {k: escaped(rng, json.loads(v)) if v.startswith('"') else v for k, v in tokens.items()}


def shuffled(rng: random.Random, tokens: Tokens) -> Tokens:
    return dict(rng.sample(list(tokens.items()), len(tokens)))


UNUSED = {
    "keystroke": ["x", "y", "button", "scroll_delta", "app_name", "window_class"],
    "move": ["key", "button", "scroll_delta", "app_name", "window_class"],
    "button": ["key", "x", "y", "scroll_delta", "app_name", "window_class"],
    "scroll": ["key", "x", "y", "button", "app_name", "window_class"],
    "app": ["key", "x", "y", "button", "scroll_delta"],
}


def unused_wrong(rng: random.Random, tokens: Tokens) -> Tokens:
    """A field this event does not use, with a value that would be malformed where it is used."""
    return {**tokens, rng.choice(UNUSED[shape(tokens)]): rng.choice(['""', "true", "1e300", '"x"', "-1"])}


def unknown_key(rng: random.Random, tokens: Tokens) -> Tokens:
    notes = ['""', '"\ufeff"', '"\\u0000"', '"\x7f"', '"\\ud83d\\ude00"', '"\\b\\f\\n\\r\\t\\"\\\\\\/"', "true", "null"]
    notes += ["0", "-0", "-0.0e-0", "1E+2", "123456789012345678901234567890", "1e-400", "1.7976931348623157e308"]
    key = rng.choice(["note", "", "Type", "TS", "\u00e9", "ts ", "\U0001f600", "__proto__"])
    return {**tokens, key: rng.choice(notes)}


def optional_null(rng: random.Random, tokens: Tokens) -> Tokens:
    fields = ["dev_mode", *{"app": ["event", "window_class"], "scroll": ["scroll_delta"]}.get(shape(tokens), [])]
    return {**tokens, **{field: "null" for field in fields if field not in tokens}}


ODD: dict[str, Odd] = {
    "blanks between tokens": spaced,
    "key given twice, the last counts": twice,
    "escapes in key names": escaped_keys,
    "escapes in values": escaped_values,
    "fields in another order": shuffled,
    "unused field of a wrong type": unused_wrong,
    "unknown key": unknown_key,
    "null for absent": optional_null,
    "exactly 4096 bytes": lambda rng, tokens: padded(tokens, 4096),
}

IGNORED = "another program's type"
FOREIGN = "a valid event of another extractor"


def ignored(rng: random.Random, tokens: Tokens) -> bytes:
    """A string of another kind as its type: ignored, whatever its fields hold."""
    kind = rng.choice(["heartbeat", "", "Keystroke", "mouse ", "apps", "\U0001f600", "key\u0000stroke"])
    change: Tokens = {"type": escaped(rng, kind)}
    if rng.random() < 0.5:
        change |= {"ts": rng.choice(["null", "-1", '"x"', "1.5", "true"]), "dev_mode": "7"}
    return write({**tokens, **change})


def mutated(rng: random.Random, message: bytes) -> bytes:
    """A message with a few random bytes changed: it may be anything now, but it is the same for everyone."""
    alphabet = b'{}[]:,"\\0123456789eE+-.utfn \t\r\x00\x7f\x80\xc3\xed\xf0\xff'
    out = bytearray(message)
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        at = rng.randrange(len(out))
        change = rng.randrange(4)
        if change == 0:
            out[at] = rng.choice(alphabet)
        elif change == 1:
            out.insert(at, rng.choice(alphabet))
        elif change == 2 and len(out) > 1:
            del out[at]
        else:
            out[at:at] = out[at : at + rng.randrange(1, 8)]
    return bytes(out).replace(b"\n", b" ") or b" "
