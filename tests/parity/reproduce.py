"""Replays one stream through both implementations and the oracle and prints how they differ.

python -m tests.parity.reproduce FILE.jsonl            a stream written by a failed run, with FILE.settings.json
python -m tests.parity.reproduce --seed S --stream N   any stream of any run
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from . import batch, naive
from .implementations import ROOT
from .settings import Settings
from .shrink import shrink
from .streams import Stream, stream

FOLDER = ROOT / "build" / "parity"


def save(made: Stream) -> tuple[Path, int]:
    """Writes a failing stream whole and shrunk; gives the shrunk file and the number of its lines."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    small = shrink(made.lines, lambda lines: bool(batch.wrong_in(made.settings, b"".join(lines))))
    name = f"{made.seed}-{made.number}"
    for suffix, lines in (("", made.lines), ("-small", small)):
        path = FOLDER / f"{name}{suffix}.jsonl"
        path.write_bytes(b"".join(lines))
        path.with_suffix(".settings.json").write_text(json.dumps(made.settings.as_dict()) + "\n")
    return path, len(small)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.parity.reproduce")
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--seed")
    parser.add_argument("--stream", type=int)
    options = parser.parse_args()
    if options.file is not None:
        settings = Settings(**json.loads(options.file.with_suffix(".settings.json").read_text()))
        raw = options.file.read_bytes()
    elif options.seed is not None and options.stream is not None:
        made = stream(options.seed, options.stream)
        settings, raw = made.settings, made.raw
    else:
        parser.error("name a file, or a seed and a stream")
    wrong = batch.wrong_in(settings, raw)
    print(f"{settings.program} {' '.join(settings.arguments())}")
    print(f"{len(naive.messages(raw))} messages; oracle: {naive.run(settings, raw).counters}")
    for line in wrong[:40]:
        print(f"  {line}")
    print(f"{len(wrong)} differences")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
