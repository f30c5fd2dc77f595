"""Atheris on one of `python_targets`: `python -m tests.fuzz.atheris_run TARGET [options of libFuzzer]`.

It needs the environment that the soak makes (build/fuzz/venv). What it is led by is the extractors' own code. Now and
then it says on stderr how many inputs there were, and what memory it takes: libFuzzer ends without asking.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import atheris  # type: ignore[import-untyped, import-not-found, unused-ignore]

from tests.fuzz.tools import NOTE

WARM = 2000  # inputs: the seeds are read, caches are filled
EVERY = 1000


def rss_kib() -> int:
    """What this process takes now."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def main() -> None:
    name = sys.argv.pop(1)
    with atheris.instrument_imports(include=["seclyzer_extractors"]):
        from tests.fuzz import python_targets
    target = python_targets.TARGETS[name]
    seen = start = 0

    def one(data: bytes) -> None:
        nonlocal seen, start
        seen += 1
        if seen == WARM:
            start = rss_kib()
        if seen % EVERY == 0:
            print(NOTE + json.dumps({"executions": seen, "start": start, "end": rss_kib()}), file=sys.stderr)
        target(data)

    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
