"""JSON's oddities by name: a message, and what it is in every implementation."""

from __future__ import annotations

Case = tuple[bytes, str]

KEY = b'"type":"keystroke","ts":5,"key":"KeyA","event":"press"'
MOVE = b'"type":"mouse","ts":5,"event":"move"'
GRIN = "\U0001f600".encode()
ESCAPED = [("NUL", b"\\u0000"), ("tab", b"\\t"), ("line feed", b"\\n"), ("CR", b"\\r"), ("DEL", b"\\u007f")]
PAIR = b"\\ud83d\\ude00"


def key(*members: bytes) -> bytes:
    """A keystroke, and after it these members."""
    return b"{" + b",".join([KEY, *members]) + b"}"


def note(value: bytes) -> bytes:
    """A keystroke with this value under an unknown key."""
    return key(b'"note":' + value)


def stamped(ts: bytes) -> bytes:
    return b'{"type":"keystroke","key":"KeyA","event":"press","ts":' + ts + b"}"


def named(name: bytes) -> bytes:
    """A keystroke of the key of this name."""
    return b'{"type":"keystroke","ts":5,"event":"press","key":"' + name + b'"}'


def focus(name: bytes) -> bytes:
    return b'{"type":"app","ts":5,"app_name":"' + name + b'"}'


def at(x: bytes) -> bytes:
    return b"{" + MOVE + b',"y":1,"x":' + x + b"}"


def long(size: int, ending: bytes = b"") -> bytes:
    empty = note(b'""')
    return note(b'"' + b"n" * (size - len(empty)) + b'"') + ending


def all_are(verdict: str, cases: dict[str, bytes]) -> dict[str, Case]:
    return {name: (message, verdict) for name, message in cases.items()}


BAD = "malformed"
ODDITIES: dict[str, Case] = {
    **all_are("keystroke", {
        "ts twice, the last one right": b'{"ts":"x",' + KEY + b"}",
        "type twice, the last one ours": b'{"type":"mouse",' + KEY + b"}",
        "type twice, the last one by an escaped name": b'{"type":7,' + KEY[19:] + b',"t\\u0079pe":"\\u006beystroke"}',
        "a key of no one twice": key(b'"n":1', b'"n":"2"'),
        "dev_mode null after true": key(b'"dev_mode":true', b'"dev_mode":null'),
    }),
    **all_are(BAD, {
        "ts twice, the last one null": key(b'"ts":null'),
        "ts twice, the last one by an escaped name": key(b'"\\u0074s":0'),
        "nesting under a key that comes again": key(b'"n":[]', b'"n":1'),
        "an overflow under a key that comes again": key(b'"n":1e999', b'"n":1'),
        "type null after ours": key(b'"type":null'),
    }),
    "type twice, the last one another's": (key(b'"type":"battery"'), "ignored"),
    # --- integers and times
    **all_are("keystroke", {
        "ts of 1": stamped(b"1"),
        "the largest ts": stamped(b"253402300799999999"),
        "an integer of 309 digits within float64": note(b"1" + b"0" * 308),
        "an integer of 2^64": note(b"18446744073709551616"),
        "an integer of -2^127": note(b"-170141183460469231731687303715884105728"),
    }),
    **all_are(BAD, {
        "ts as 1e3": stamped(b"1e3"),
        "ts as 1E3": stamped(b"1E3"),
        "ts as 1.0": stamped(b"1.0"),
        "ts as 5e0": stamped(b"5e0"),
        "ts of 0": stamped(b"0"),
        "ts of -0": stamped(b"-0"),
        "ts of -0.0": stamped(b"-0.0"),
        "ts of -5": stamped(b"-5"),
        "ts as a string": stamped(b'"5"'),
        "ts true": stamped(b"true"),
        "ts one too large": stamped(b"253402300800000000"),
        "ts of 2^63": stamped(b"9223372036854775808"),
        "ts of 2^64 + 5, which is 5 in 64 bits": stamped(b"18446744073709551621"),
        "ts of 2^128 + 5": stamped(b"340282366920938463463374607431768211461"),
        "ts with a leading zero": stamped(b"05"),
        "ts with a plus": stamped(b"+5"),
        "an integer of 310 digits": note(b"1" + b"0" * 309),
        "an integer of 3000 digits": note(b"9" * 3000),
        "a leading zero": note(b"01"),
        "a leading zero behind a minus": note(b"-01"),
        "two zeros": note(b"00"),
    }),
    # --- numbers
    **all_are("mouse", {
        "a coordinate of -0": at(b"-0"),
        "a coordinate of -0.0e-0": at(b"-0.0e-0"),
        "a coordinate of 1e6": at(b"1e6"),
        "a coordinate that rounds to 1e6": at(b"1000000.00000000001"),
        "a coordinate that underflows": at(b"1e-400"),
        "a coordinate of zero with a huge exponent": at(b"0e999999999999999999999"),
    }),
    **all_are(BAD, {
        "a coordinate just above 1e6": at(b"1000000.0000000003"),
        "a coordinate of 2^64": at(b"18446744073709551616"),
        "a coordinate true": at(b"true"),
        "NaN": note(b"NaN"),
        "-NaN": note(b"-NaN"),
        "Infinity": note(b"Infinity"),
        "-Infinity": note(b"-Infinity"),
        "a coordinate NaN": at(b"NaN"),
        "1e309 under a key of no one": note(b"1e309"),
        "-1e400 under a key of no one": note(b"-1e400"),
        "an exponent of 20 digits": note(b"1e99999999999999999999"),
        "what rounds to infinity": note(b"1.7976931348623158080e308"),
        "a point at the end": note(b"1."),
        "a point at the start": note(b".5"),
        "an exponent without digits": note(b"1e"),
        "a plus": note(b"+1"),
        "a lone minus": note(b"-"),
        "hexadecimal": note(b"0x10"),
        "a digit of another script": note("\uff11".encode()),
    }),
    **all_are("keystroke", {
        "the largest float64": note(b"1.7976931348623157e308"),
        "what rounds to the largest float64": note(b"1.797693134862315807e308"),
        "an underflow": note(b"1e-400"),
        "an exponent of -20 digits": note(b"1e-99999999999999999999"),
    }),
    # --- surrogates
    **all_are(BAD, {
        "a lone high surrogate": note(b'"\\ud83d"'),
        "a lone low surrogate": note(b'"\\ude00"'),
        "surrogates the wrong way round": note(b'"\\ude00\\ud83d"'),
        "two high surrogates and a low one": note(b'"\\ud83d\\ud83d\\ude00"'),
        "a high surrogate before a raw character": note(b'"\\ud83d\xc3\xa4"'),
        "a high surrogate before another escape": note(b'"\\ud83d\\n"'),
        "a lone surrogate in a key's name": key(b'"\\ud800":1'),
        "a lone surrogate in a name": focus(b"\\udfff"),
        "a lone surrogate in a type": b'{"type":"\\ud800"}',
        "a surrogate as UTF-8": note(b'"\xed\xa0\x80"'),
        "a pair of surrogates as UTF-8": note(b'"\xed\xa0\xbd\xed\xb8\x80"'),
    }),
    "a pair of surrogates": (focus(PAIR), "app"),
    "a pair in upper case": (focus(b"\\uD83D\\uDE00"), "app"),
    "the last pair": (focus(b"\\udbff\\udfff"), "app"),
    "a backslash before what looks like a surrogate": (focus(b"\\\\ud800"), "app"),
    "a pair in a key's name": (key(b'"' + PAIR + b'":1'), "keystroke"),
    # --- nesting
    **all_are(BAD, {
        "an empty array": note(b"[]"),
        "an empty object": note(b"{}"),
        "nesting of 100": note(b"[" * 100 + b"]" * 100),
        "nesting of 2000": note(b"[" * 2000 + b"]" * 2000),
        "objects within objects": note(b'{"a":' * 600 + b"1" + b"}" * 600),
        "4096 brackets": b"[" * 4096,
        "another's type with nesting": b'{"type":"battery","n":[1]}',
    }),
    # --- encodings
    **all_are(BAD, {
        "a byte order mark": b"\xef\xbb\xbf" + key(),
        "a byte order mark behind": key() + b"\xef\xbb\xbf",
        "UTF-16": key().decode().encode("utf-16-le"),
        "UTF-16 with its mark": key().decode().encode("utf-16"),
        "UTF-32": key().decode().encode("utf-32-be"),
        "a stray byte": note(b'"\xff"'),
        "a stray continuation": note(b'"\x80"'),
        "a sequence cut short": note(b'"\xe2\x82"'),
        "overlong in two bytes": note(b'"\xc0\xaf"'),
        "overlong NUL": note(b'"\xc0\x80"'),
        "overlong in three bytes": note(b'"\xe0\x82\xac"'),
        "overlong in four bytes": note(b'"\xf0\x82\x82\xac"'),
        "beyond U+10FFFF": note(b'"\xf4\x90\x80\x80"'),
        "five bytes": note(b'"\xf8\x88\x80\x80\x80"'),
        "a stray byte in a key's name": key(b'"\xff":1'),
        "a stray byte between tokens": b"{\xff" + key()[1:],
    }),
    "a byte order mark within a string": (note(b'"\xef\xbb\xbf"'), "keystroke"),
    "a noncharacter": (note(b'"\xef\xbf\xbf"'), "keystroke"),
    # --- lengths
    "4096 bytes": (long(4096), "keystroke"),
    "4096 bytes and CR": (long(4095, b"\r"), "keystroke"),
    "4097 bytes": (long(4097), BAD),
    "4096 bytes and a blank": (long(4096, b" "), BAD),
    "4096 bytes, most of them blanks": (b" " * (4096 - len(key())) + key(), "keystroke"),
    "70 000 bytes": (long(70_000), BAD),
    "a key of 64 code points": (named(b"k" * 64), "keystroke"),
    "a key of 65 code points": (named(b"k" * 65), BAD),
    "a key of 64 astral code points": (named(GRIN * 64), "keystroke"),
    "a key of 65 astral code points": (named(GRIN * 65), BAD),
    "a key of 64 escaped astral code points": (named(PAIR * 64), "keystroke"),
    "a key of 65 escaped astral code points": (named(PAIR * 65), BAD),
    "a key of 64 letters and accents": (named("e\u0301".encode() * 32), "keystroke"),
    "a key of 65 letters and accents": (named("e\u0301".encode() * 32 + b"e"), BAD),
    "an app of 256 code points": (focus(b"a" * 256), "app"),
    "an app of 257 code points": (focus(b"a" * 257), BAD),
    "an app of 256 astral code points": (focus(GRIN * 256), "app"),
    "an app of 257 astral code points": (focus(GRIN * 257), BAD),
    "an app of 256 escaped astral code points": (focus(PAIR * 256), "app"),
    "an app of 257 escaped astral code points": (focus(PAIR * 257), BAD),
    "a key of no characters": (named(b""), BAD),
    "an app of no characters": (focus(b""), BAD),
    "a button of no characters": (b'{"type":"mouse","ts":5,"event":"press","button":""}', BAD),
    "a type of no characters": (b'{"type":""}', "ignored"),
    "a window class of no characters": (focus(b'a","window_class":"'), "app"),
    "a key's name of no characters": (key(b'"":1'), "keystroke"),
    # --- control characters
    **all_are(BAD, {
        f"a raw {name} in a name": focus(b"a" + raw + b"b")
        for name, raw in (("NUL", b"\0"), ("tab", b"\t"), ("CR", b"\r"), ("U+001F", b"\x1f"), ("U+0001", b"\x01"))
    }),
    "a raw DEL in a name": (focus(b"a\x7fb"), "app"),
    "a raw U+0085 in a name": (focus(b"a\xc2\x85b"), "app"),
    **all_are("app", {
        f"an escaped {name} in a name": focus(b"a" + raw + b"b")
        for name, raw in ESCAPED
    }),
    **all_are(BAD, {
        "a NUL behind": key() + b"\0",
        "a NUL before": b"\0" + key(),
        "an escape of none": note(b'"\\x41"'),
        "an escape cut short": note(b'"\\u12"'),
        "an escape with a sign": note(b'"\\u+123"'),
        "an escape in upper case": note(b'"\\U0041"'),
    }),
    # --- commas, blanks, top level
    **all_are(BAD, {
        "a trailing comma": key()[:-1] + b",}",
        "a leading comma": b"{," + KEY + b"}",
        "two commas": b"{" + KEY + b',,"n":1}',
        "no comma": b"{" + KEY + b' "n":1}',
        "a second object": key() + key(),
        "a second object behind a blank": key() + b" {}",
        "a semicolon behind": key() + b";",
        "single quotes": key().replace(b'"', b"'"),
        "a comment": key() + b"/**/",
        "a form feed behind": key() + b"\x0c",
        "a vertical tab before": b"\x0b" + key(),
        "a no-break space before": b"\xc2\xa0" + key(),
        "U+2028 behind": key() + b"\xe2\x80\xa8",
        "a record separator before": b"\x1e" + key(),
        "a blank alone": b" ",
        "a tab alone": b"\t",
        "null alone": b"null",
        "true alone": b"true",
        "a number alone": b"5",
        "a string alone": b'"keystroke"',
        "a string that holds JSON": b'"{}"',
        "an array around": b"[" + key() + b"]",
        "an object without members": b"{}",
        "a key without quotes": b"{" + KEY + b",n:1}",
        "a key that is a number": key(b"1:1"),
        "a literal in upper case": note(b"TRUE"),
        "a literal with more behind": note(b"truex"),
        "a literal cut short": note(b"nul"),
    }),
    "JSON's blanks everywhere": (b" \t{ " + KEY.replace(b":", b"\t:\r ").replace(b",", b" ,\t") + b"}", "keystroke"),
}  # fmt: skip

# These cannot stand in a file of lines; Redis carries them.
OVER_REDIS: dict[str, Case] = {
    "no bytes at all": (b"", BAD),
    "a line feed alone": (b"\n", BAD),
    "line feeds between tokens": (b"\n{\n" + KEY + b"\n}\n", "keystroke"),
    "a raw line feed in a name": (focus(b"a\nb"), BAD),
    "4096 bytes and LF": (long(4096, b"\n"), "keystroke"),
    "4096 bytes and CRLF": (long(4096, b"\r\n"), "keystroke"),
    "4096 bytes and CR at the end": (long(4096, b"\r"), BAD),
    "4096 bytes and two LF": (long(4096, b"\n\n"), BAD),
    "4097 bytes and LF": (long(4097, b"\n"), BAD),
    "4097 bytes and CRLF": (long(4097, b"\r\n"), BAD),
    "two messages on two lines": (key() + b"\n" + key(), BAD),
}
