"""What the gateway should say to a line, read byte by byte: independent of the gateway's own patterns."""

MEASUREMENTS = (b"keystroke_features", b"mouse_features", b"app_transitions")
SEPARATORS = b",= "


class Odd(Exception):
    """The line is one that could be read in two ways, or in none."""


def verdict(text: bytes, host: bytes) -> int:
    """204 for a line that passes, else the status; an empty line passes."""
    if not text:
        return 204
    try:
        measurement, tags = read(text)
    except Odd:
        return 400
    hosts = [value for key, value in tags if key == b"host"]
    return 204 if measurement in MEASUREMENTS and hosts == [host] else 403


def read(text: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Measurement and tags of a line whose every part is beyond doubt."""
    if any(byte < 32 or byte == 127 for byte in text):
        raise Odd
    measurement, at = word(text, 0, b", ")
    if at == 0:
        raise Odd
    tags = []
    while text[at : at + 1] == b",":
        key, at = word(text, at + 1, SEPARATORS)
        if text[at : at + 1] != b"=" or not key:
            raise Odd
        value, at = word(text, at + 1, SEPARATORS)
        if text[at : at + 1] == b"=" or not value:
            raise Odd
        tags.append((key, value))
    at = fields(text, blank(text, at))
    if at < len(text):
        time = text[blank(text, at) :]
        if not time.removeprefix(b"-").isdigit():
            raise Odd
    return measurement, tags


def word(text: bytes, at: int, ends: bytes) -> tuple[bytes, int]:
    """What stands up to one of these, unescaped, and where that is; the whole rest when there is none."""
    found = bytearray()
    while at < len(text) and text[at] not in ends:
        if text[at] == ord("\\"):
            at += 1
            if at == len(text) or text[at] not in SEPARATORS:
                raise Odd
        found.append(text[at])
        at += 1
    return bytes(found), at


def blank(text: bytes, at: int) -> int:
    """Behind the blank that must be here, before something that is none."""
    if text[at : at + 1] != b" " or text[at + 1 : at + 2] in (b"", b" "):
        raise Odd
    return at + 1


def fields(text: bytes, at: int) -> int:
    """Where the fields end."""
    while True:
        key, at = word(text, at, SEPARATORS)
        if not key or b'"' in key or text[at : at + 1] != b"=":
            raise Odd
        at += 1
        if text[at : at + 1] == b'"':
            at = text.find(b'"', at + 1)
            if at < 0:
                raise Odd
            at += 1
        start = at
        value, at = word(text, at, SEPARATORS)
        if b'"' in value or (text[start - 1 : start] == b"=" and not value):
            raise Odd
        if text[at : at + 1] != b",":
            return at
        at += 1
