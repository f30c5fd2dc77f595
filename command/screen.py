"""What is printed: text for a person, coloured on a terminal only, or one JSON document."""

from __future__ import annotations

import json
import os
import re
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

COLOURS = {"pass": "32", "warn": "33", "fail": "31", "bold": "1", "dim": "2"}
WIDTH = 100
"""Columns of sentences where the terminal is wider, or there is none."""


def has_colours(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Only a terminal has; https://no-color.org takes them away."""
    return stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


class Screen:
    """Where a command prints. `as_json`: one document at the end, and nothing else on stdout."""

    def __init__(self, as_json: bool = False, out: TextIO | None = None) -> None:
        self.as_json = as_json
        self._out = out or sys.stdout
        self._colours = has_colours(self._out, os.environ)

    def paint(self, text: str, colour: str) -> str:
        """The text in a colour of COLOURS, where there are colours."""
        return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m" if self._colours and colour in COLOURS else text

    def line(self, text: str = "") -> None:
        """A line for a person."""
        if not self.as_json:
            print(plain(text, self._colours), file=self._out, flush=True)

    def sentence(self, text: str, indent: str) -> None:
        """A sentence, folded between words."""
        for line in textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False):
            self.line(line)

    def rows(self, rows: Sequence[Sequence[str]], indent: str = "  ") -> None:
        """A table: columns as wide as their widest cell, the last one free."""
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            self.line((indent + "  ".join(cells)).rstrip())

    def document(self, value: Any) -> None:
        """The document, when it was asked for."""
        if self.as_json:
            print(json.dumps(value, indent=2, ensure_ascii=False), file=self._out, flush=True)


PAINT = re.compile(r"(\x1b\[[0-9]{1,2}m)")


def plain(text: str, colours: bool = False) -> str:
    """Without control characters, but for colours: what a log or a file holds must not steer the terminal."""
    parts = PAINT.split(text) if colours else [text]
    return "".join(part if colours and PAINT.fullmatch(part) else _printable(part) for part in parts)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() or c in "\t\n" else "?" for c in text)
