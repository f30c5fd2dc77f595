"""Keys named by class and slot give every feature but `digraph_*` the value, bit for bit, that their own names give."""

from __future__ import annotations

import json
import random
import secrets

import pytest

from tests.parity import implementations
from tests.parity.naive import messages
from tests.parity.people import Temper, typing
from tests.parity.settings import Settings
from tests.parity.slots import Slots

STREAMS = 40


def by_slot(raw: bytes) -> bytes:
    """The same keystrokes with keys named by class and slot."""
    slots = Slots()
    lines = []
    for message in messages(raw):
        event = json.loads(message)
        lines.append(json.dumps({**event, "key": slots.name(event["key"], event["event"] == "press")}))
    return "\n".join(lines).encode()


def typed(rng: random.Random) -> bytes:
    """A person's typing in the order in which it happened: with rollover, auto-repeat and lost halves."""
    events = typing(rng, Temper.drawn(rng), 400, 1_700_000_000_000_001)
    return b"\n".join(
        json.dumps({**{name: json.loads(token) for name, token in tokens.items()}, "ts": ts}).encode()
        for ts, tokens in events
    )


def rows(run: str, settings: Settings, raw: bytes) -> list[dict[str, str]]:
    """What comes out, but for the pairs of keys, so that numbers are compared bit for bit."""
    output = getattr(implementations, run)(settings, raw)
    return [{k: repr(v) for k, v in row.items() if not k.startswith("digraph_")} for row in output.rows]


@pytest.mark.parametrize("run", ["python_in_process", "rust_program"])
def test_features_are_the_same_bit_for_bit(run: str) -> None:
    seed = secrets.token_hex(4)
    compared = renamed = 0
    for number in range(STREAMS):
        rng = random.Random(f"{seed}:{number}")
        settings = Settings("keystroke", *rng.choice([(30_000, 5_000), (5_000, 5_000), (4_035, 1_007)]), min_events=1)
        raw = typed(rng)
        named, slotted = rows(run, settings, raw), rows(run, settings, by_slot(raw))
        assert named == slotted, f"seed {seed}, stream {number}"
        compared += len(named)
        renamed += by_slot(raw) != raw
    assert compared > 10 * STREAMS and renamed > STREAMS // 2


def test_a_slot_is_the_lowest_that_no_key_of_the_class_holds() -> None:
    slots = Slots()
    presses = [("KeyA", True), ("KeyS", True), ("KeyA", False), ("KeyD", True), ("KeyS", True), ("KeyY", True)]
    assert [slots.name(*one) for one in presses] == ["Left(1)", "Left(2)", "Left(1)", "Left(1)", "Left(2)", "Right(1)"]
    others = [("Space", True), (" ", True), ("Delete", True), ("Backspace", True), ("ShiftLeft", True), ("F1", True)]
    assert [slots.name(*one) for one in others] == [
        "Space", "Space(2)", "Backspace", "Backspace(2)", "Shift(1)", "Other(1)",
    ]  # fmt: skip
