"""The fenced blocks of a document, so that what people copy from it is what tests run."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One block: its language, the last heading before it, and its lines."""

    language: str
    heading: str
    text: str


def blocks(document: str, language: str = "sh") -> list[Block]:
    """Those of one language in a document, named from the root, in their order."""
    text = (ROOT / document).read_text()
    found = []
    for fence in FENCE.finditer(text):
        if fence[1] == language:
            before = re.sub(FENCE, "", text[: fence.start()])
            found.append(Block(language, HEADING.findall(before)[-1], fence[2]))
    return found


def block(document: str, heading: str, language: str = "sh", *, holds: str = "") -> str:
    """The text of the one block under a heading that holds `holds`."""
    (found,) = [one.text for one in blocks(document, language) if one.heading == heading and holds in one.text]
    return found
