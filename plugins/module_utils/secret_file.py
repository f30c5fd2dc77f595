"""What a file with a token or a password holds: one file, to which the packages of extractors and agent link."""

from __future__ import annotations

import re

ALLOWED = "allowed is one line of printable ASCII without blanks"
FAULTS = (
    ("is empty", re.compile(rb"\A\Z")),
    ("begins with a byte order mark", re.compile(rb"\A(\xef\xbb\xbf|\xff\xfe|\xfe\xff)")),
    ("has more than one line", re.compile(rb"\n")),
    ("has a blank in it", re.compile(rb"[ \t]")),
    ("has a character in it that is not ASCII", re.compile(rb"[\x80-\xff]")),
    ("has a control character in it", re.compile(rb"[\x00-\x1f\x7f]")),
)
"""It would be sent as it is, and refused without a word of why."""


def secret_of(data: bytes) -> str:
    """The secret, without the end of its line. ValueError: what else the file holds, in words that follow its name."""
    line = data.removesuffix(b"\n")
    line = line.removesuffix(b"\r") if line != data else line
    for fault, wrong in FAULTS:
        if wrong.search(line):
            raise ValueError(fault)
    return line.decode("ascii")
