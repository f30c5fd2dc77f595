"""What a message is, as the contract's third transcription says."""

from __future__ import annotations

from typing import NamedTuple

from tests.parity.naive_parse import Event, Malformed, read_message

KINDS = ("keystroke", "mouse", "app")
CLASSES = ("malformed", "ignored", *KINDS)


class Verdict(NamedTuple):
    """One of CLASSES, and the event of a valid message."""

    name: str
    event: Event | None


def verdict(message: bytes) -> Verdict:
    """Of one message, with or without a line ending."""
    if message.endswith(b"\n"):
        message = message[:-1].removesuffix(b"\r")
    try:
        event = read_message(message)
    except Malformed:
        return Verdict("malformed", None)
    return Verdict("ignored", None) if event is None else Verdict(event.type, event)
