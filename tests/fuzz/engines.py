"""libFuzzer on every target, led by coverage: cargo-fuzz for the Rust implementation, atheris for the Python one."""

from __future__ import annotations

import json
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from . import seeds, tools

RUST, PYTHON = "cargo-fuzz", "atheris"
TARGETS = {
    RUST: ["event", "replay", "config", "http", "resp", "spool"],
    PYTHON: ["event", "replay", "config", "http", "spool"],
}
LONGEST = {"event": 8192, "replay": 16384}  # bytes of an input; else 4096
ENVIRONMENT = {"ASAN_OPTIONS": "abort_on_error=1:quarantine_size_mb=8"}
SHOWN = 3000


@dataclass
class Fuzzed:
    """What came of one target."""

    engine: str
    target: str
    executions: int
    seconds: int
    inputs: int  # that reached something new
    memory: tuple[int, int]  # KiB of the fuzzing process, warm and at the end: with the engine's own tables
    crashes: list[str]
    output: str  # the end of what it printed, when it failed


def command(engine: str, target: str, programs: dict[str, Path], python: Path) -> list[str]:
    if engine == RUST:
        return [str(programs[target])]
    return [str(python), "-m", "tests.fuzz.atheris_run", target]


def fuzz(engine: str, target: str, words: list[str], seconds: int, seed: int) -> Fuzzed:
    """One target for so many seconds, from the seeds and what earlier runs have found."""
    folder = tools.BUILD / engine / target
    found, crashes, start = folder / "corpus", folder / "crashes", folder / "seeds"
    for path in (found, crashes):
        path.mkdir(parents=True, exist_ok=True)
    for old in crashes.iterdir():
        old.unlink()
    seeds.write(start, target)
    seeds.write_dictionary(folder / "words.dict")
    options = [f"-max_total_time={seconds}", f"-seed={seed}", f"-dict={folder}/words.dict", "-timeout=20"]
    options += [f"-artifact_prefix={crashes}/", f"-max_len={LONGEST.get(target, 4096)}", "-print_final_stats=1"]
    with (folder / "log").open("wb") as log:
        code = subprocess.run(
            [*words, *options, str(found), str(start)],
            cwd=tools.ROOT,
            env=os.environ | ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            check=False,
        ).returncode
    text = (folder / "log").read_text(errors="replace")
    files = sorted(str(path.relative_to(tools.ROOT)) for path in crashes.iterdir())
    faults = files or ([f"exit status {code}"] if code else [])
    executions, took = counted(text)
    count = len(list(found.iterdir()))
    return Fuzzed(engine, target, executions, took, count, memory(text), faults, text[-SHOWN:] if faults else "")


def counted(text: str) -> tuple[int, int]:
    """Executions and seconds, of what libFuzzer prints at its end."""
    done = re.findall(r"^Done (\d+) runs in (\d+) second", text, re.MULTILINE)
    return (int(done[-1][0]), int(done[-1][1])) if done else (0, 0)


def memory(text: str) -> tuple[int, int]:
    """Atheris' notes say it in KiB; libFuzzer in MiB, beside what it says of each new input."""
    notes = [json.loads(line[len(tools.NOTE) :]) for line in text.splitlines() if line.startswith(tools.NOTE)]
    if notes:
        return notes[-1]["start"], notes[-1]["end"]
    sizes = [int(size) * 1024 for size in re.findall(r"^#\d+\s+[A-Z]\w+ .* rss: (\d+)Mb", text, re.MULTILINE)]
    return (sizes[0], sizes[-1]) if sizes else (0, 0)


def inputs(engine: str, target: str) -> list[bytes]:
    """The inputs that were found to reach something new."""
    return [path.read_bytes() for path in sorted((tools.BUILD / engine / target / "corpus").iterdir())]


def fuzz_all(seconds: int, seed: int) -> list[Fuzzed]:
    """Every target for so many seconds, two at a time. `tools.Missing` when something cannot be had."""
    programs, python = tools.rust_targets(TARGETS[RUST]), tools.atheris()
    jobs = [(engine, target) for engine, targets in TARGETS.items() for target in targets]

    def one(job: tuple[str, str]) -> Fuzzed:
        return fuzz(*job, command(*job, programs, python), seconds, seed)

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(one, jobs))
