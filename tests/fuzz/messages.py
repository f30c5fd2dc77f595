"""The messages of a run, a pure function of seed and number of the batch.

They come from seven ways of making one, so that about half are valid. The times of the events of a batch rise in
small steps, so that the valid ones fill windows and what was read from them shows in features.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.parity import messages as known
from tests.parity.messages import Tokens, quoted

from . import tokens

KEYS = ["KeyA", "KeyE", "Space", "Backspace", "Delete", "Unknown(94)", "é", "\U0001f600", "a", 'q"uote', "back\\slash"]
APPS = [
    "term",
    "code",
    "a,b",
    "c=d",
    "e f",
    "x\\",
    "new\nline",
    "nul\0",
    "(other)",
    "\U0001f600",
    '"',
    "ünï",
    "\x7f",
    "/",
]
FIELDS = ["type", "ts", "dev_mode", "key", "event", "x", "y", "button", "scroll_delta", "app_name", "window_class"]
NEARLY = [
    "note",
    "",
    "Type",
    "ts ",
    "key\\u0000",
    "\\u0074s",
    "t\\u0079pe",
    "app\\u005fname",
    "evént",
    "x\\ty",
    "dev-mode",
]
STEP_US = 7_000

Message = bytes
Way = Callable[[random.Random, Tokens], Message]


def event(rng: random.Random, ts: int) -> Tokens:
    """A valid event at `ts`."""
    kind = rng.choice(["keystroke", "mouse", "mouse", "app"])
    made: Tokens = {"type": f'"{kind}"', "ts": str(ts)}
    if rng.random() < 0.02:
        made["dev_mode"] = rng.choice(["true", "false", "null"])
    if kind == "keystroke":
        made |= {"key": quoted(rng.choice(KEYS)), "event": rng.choice(['"press"', '"release"'])}
    elif kind == "app":
        made["app_name"] = quoted(rng.choice(APPS) + str(rng.randrange(3)))
    else:
        made |= rng.choice([moved, moved, clicked, scrolled])(rng)
    return made


def moved(rng: random.Random) -> Tokens:
    return {"event": '"move"', "x": coordinate(rng), "y": coordinate(rng)}


def clicked(rng: random.Random) -> Tokens:
    button = rng.choice(["Left", "Right", "Middle", "Unknown(8)"])
    return {"event": rng.choice(['"press"', '"release"']), "button": quoted(button)}


def scrolled(rng: random.Random) -> Tokens:
    return {"event": '"scroll"', "scroll_delta": rng.choice(["1", "-1", "0", "-0", "2.5", "null", coordinate(rng)])}


def coordinate(rng: random.Random) -> str:
    if rng.random() < 0.8:
        return repr(rng.choice([rng.randrange(2000), round(rng.uniform(-10, 2000), 3), rng.uniform(-1e6, 1e6)]))
    return tokens.number(rng).decode()


# --- the ways --------------------------------------------------------------------------------------


def plain(rng: random.Random, made: Tokens) -> Message:
    return known.write(made)


def odd(rng: random.Random, made: Tokens) -> Message:
    changed = rng.choice(list(known.ODD.values()))(rng, made)
    return changed if isinstance(changed, bytes) else known.write(changed)


def broken(rng: random.Random, made: Tokens) -> Message:
    return rng.choice(list(known.broken_cases(made).values()))(rng, made)


def ignored(rng: random.Random, made: Tokens) -> Message:
    return known.ignored(rng, made)


def mutated(rng: random.Random, made: Tokens) -> Message:
    """A few bytes of any other message changed."""
    return known.mutated(rng, rng.choice([plain, plain, odd, broken, assembled])(rng, made))


def assembled(rng: random.Random, made: Tokens) -> Message:
    """An object put together from tokens: an event with some fields changed, added, doubled or left out."""
    members = [(key.encode(), token.encode()) for key, token in made.items()]
    for _ in range(rng.choice([0, 1, 1, 2, 4])):
        member = rng.choice([*FIELDS, *NEARLY]).encode(), tokens.value(rng)
        at = rng.randrange(len(members) + 1)
        if rng.random() < 0.6:
            members.insert(at, member)
        else:
            members[at : at + 1] = [(members[at][0] if at < len(members) else member[0], member[1])]
    if rng.random() < 0.05:
        del members[rng.randrange(len(members))]
    if rng.random() < 0.1:
        members.append((tokens.string(rng)[1:-1], tokens.value(rng)))
    blank = tokens.blank if rng.random() < 0.3 else lambda _: b""
    inner = b",".join(
        blank(rng) + b'"' + key + b'"' + blank(rng) + b":" + blank(rng) + token + blank(rng) for key, token in members
    )
    return blank(rng) + b"{" + inner + b"}" + blank(rng)


def spliced(rng: random.Random, made: Tokens) -> Message:
    """The beginning of one and the end of another."""
    first, second = plain(rng, made), assembled(rng, made)
    return first[: rng.randrange(len(first) + 1)] + second[rng.randrange(len(second) + 1) :]


def sized(rng: random.Random, made: Tokens) -> Message:
    """As long as is allowed, or a little more or less, with blanks or a text."""
    length = rng.choice([4094, 4095, 4096, 4097, 4098])
    if rng.random() < 0.5:
        return known.padded(made, length)
    message = known.write(made)
    return (b" \t\r" * 1400)[: length - len(message)] + message


WAYS: dict[Way, int] = {
    plain: 30,
    odd: 15,
    broken: 14,
    ignored: 3,
    mutated: 17,
    assembled: 17,
    spliced: 3,
    sized: 1,
}


def batch(seed: str, number: int, size: int, begin: int = 0) -> list[Message]:
    """So many messages; some hold line feeds. Their times begin at `begin` (µs), or where the seed has them begin."""
    rng = random.Random(f"{seed}/{number}")
    chosen = rng.choice([1_700_000_000_000_000, 1_000_000, 4_102_444_800_000_000, 253_402_300_000_000_000])
    start = begin or chosen
    ways = rng.choices(list(WAYS), list(WAYS.values()), k=size)
    return [way(rng, event(rng, start + place * STEP_US + rng.randrange(20_000))) for place, way in enumerate(ways)]


def as_line(message: Message) -> bytes:
    """The message as one line of a file, without its line feed: it holds none, and is not passed over as empty."""
    line = message.replace(b"\n", b" ")
    return line if line not in (b"", b"\r") else b" "
