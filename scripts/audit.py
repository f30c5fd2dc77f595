"""Looks every lock up in the public advisories: `python -m scripts.audit`, or `make audit`.

Each lock is asked about by the tool of its language, where that is installed and reaches its advisories. What could not
be looked at is reported, and is no pass: exit status 0 when all was looked at and nothing is known, 1 when an advisory
applies, 3 when something was not looked at and nothing is known of the rest. A tool that hangs is ended.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 120.0
FOUND, UNKNOWN = 1, 3
PIP_AUDIT = "pip-audit --progress-spinner=off --disable-pip --require-hashes --format=json --timeout=10 --requirement"


@dataclass(frozen=True)
class Verdict:
    """What came of one lock: advisories that apply, or in words why it was not looked at."""

    advisories: list[str]
    unknown: str = ""


@dataclass(frozen=True)
class Look:
    """One lock, the command that looks it up (the lock's path is its last word), and how its output is read."""

    lock: str
    command: str
    read: Callable[[str, int], Verdict]
    install: str


def read_pip_audit(out: str, code: int) -> Verdict:
    """pip-audit's JSON. Without a network it ends with 0 and has skipped every package."""
    rows: list[dict[str, Any]] = json.loads(out)["dependencies"]
    skipped = [row for row in rows if "skip_reason" in row]
    found = [f"{row['name']} {row['version']}: {one['id']}" for row in rows for one in row.get("vulns", [])]
    if skipped or not rows:
        return Verdict(found, f"{len(skipped)} of {len(rows)} packages were skipped: {_first(skipped)}")
    return Verdict(found)


def _first(skipped: list[dict[str, Any]]) -> str:
    return str(skipped[0]["skip_reason"]) if skipped else "the lock holds none"


def read_cargo_audit(out: str, code: int) -> Verdict:
    """cargo-audit's JSON."""
    document = json.loads(out)
    if not document["database"]["advisory-count"]:
        return Verdict([], "its database of advisories is empty")
    rows = document["vulnerabilities"]["list"]
    return Verdict([f"{row['package']['name']} {row['package']['version']}: {row['advisory']['id']}" for row in rows])


def read_govulncheck(out: str, code: int) -> Verdict:
    """govulncheck's JSON values, one after the other. It ends with 0 when it got to the end, whatever it found."""
    decoder = json.JSONDecoder()
    found: dict[str, None] = {}
    rest = out.strip()
    while rest:
        value, end = decoder.raw_decode(rest)
        rest = rest[end:].lstrip()
        if finding := value.get("finding"):
            place = finding["trace"][0]
            found[f"{place['module']} {place.get('version', '')}: {finding['osv']}"] = None
    return Verdict([*found], "" if code == 0 else "it did not get to the end")


def looks(influxd: Path) -> list[Look]:
    """Everything that is locked. `influxd` is the lab's program, which carries the list of its modules."""
    cargo = "cargo install --locked cargo-audit"
    python = (
        "requirements-dev.txt",
        "extractors/python/requirements.lock",
        "agent/requirements.lock",
        "tests/fuzz/requirements.txt",
        "tests/page/requirements.txt",
    )
    return [
        *(Look(lock, PIP_AUDIT, read_pip_audit, "uv tool install pip-audit") for lock in python),
        *(
            Look(lock, "cargo-audit audit --json --file", read_cargo_audit, cargo)
            for lock in ("extractors/rust/Cargo.lock", "extractors/rust/fuzz/Cargo.lock")
        ),
        Look(
            str(influxd),
            "govulncheck -mode=binary -scan=module -json",
            read_govulncheck,
            "go install golang.org/x/vuln/cmd/govulncheck@latest",
        ),
    ]


def judge(look: Look, seconds: float) -> Verdict:
    """Runs the tool on the lock; never raises, and never takes much longer than `seconds`."""
    if not (ROOT / look.lock).is_file():
        return Verdict([], "it is not there (the lab builds influxd: python -m lab influxd)")
    tool, *words = look.command.split()
    if shutil.which(tool) is None:
        return Verdict([], f"{tool} is not installed: {look.install}")
    try:
        out, err, code = run([tool, *words, look.lock], seconds)
    except TimeoutError:
        return Verdict([], f"{tool} did not end within {seconds:g} s, and was ended")
    except OSError as fault:
        return Verdict([], f"{tool} cannot be run: {fault.strerror}")
    output = next((line.strip() for line in reversed(err.splitlines()) if line.strip()), "nothing")[:200]
    try:
        verdict = look.read(out, code)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        return Verdict([], f"{tool} ended with {code} and no report; its last line: {output}")
    if verdict.unknown:
        return Verdict(verdict.advisories, f"{tool}: {verdict.unknown}; its last line: {output}")
    return verdict


def run(command: list[str], seconds: float) -> tuple[str, str, int]:
    """Output, errors and exit status. Raises TimeoutError, with the tool and all that it started ended; OSError."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise TimeoutError from None
    return out, err, process.returncode


def main() -> int:
    """A line a lock, and the exit status."""
    parser = argparse.ArgumentParser(prog="python -m scripts.audit", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long one tool may take (%(default)g)")
    parser.add_argument("--influxd", type=Path, help="the lab's influxd (default: the one that it built)")
    options = parser.parse_args()
    found = unknown = 0
    planned = looks(options.influxd or _influxd())
    for look in planned:
        verdict = judge(look, options.seconds)
        found += len(verdict.advisories)
        unknown += bool(verdict.unknown)
        for words in verdict.advisories:
            print(f"ADVISORY       {look.lock}: {words}")
        if verdict.unknown:
            print(f"NOT LOOKED AT  {look.lock}: {verdict.unknown}")
        elif not verdict.advisories:
            print(f"ok             {look.lock}: no advisory applies")
    print(f"{len(planned)} locks: {found} advisories, {unknown} not looked at", end="")
    print(" (which says nothing about them)" if unknown else "")
    return FOUND if found else UNKNOWN if unknown else 0


def _influxd() -> Path:
    from lab.influxdb import cached

    return Path(os.environ.get("SECLYZER_INFLUXD") or cached())


if __name__ == "__main__":
    sys.exit(main())
