"""The performance test of a host: both implementations of its own release, on made-up load, in about two minutes.

It starts a Redis of its own on a private unix socket and needs no network; the running services and their data are not
touched. It prints the table that users know, says pass or fail against stated expectations (exit status 0 or 1; 2 when
it could not measure), keeps the first run's figures as a baseline and says what has changed since.
"""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import IMPLEMENTATIONS, BenchError, expectations, isolation, machine
from .baseline import changes
from .figures import Figures
from .phases import Lab
from .program import program_of
from .report import USERS_WORDS, all_figures, users_table
from .result import Result, read_figures
from .run import HOST, PHASES, Profile, run
from .store import Sink

RELEASE = Path(__file__).resolve().parents[1]
STATE = Path("/var/lib/seclyzer/bench")
FOLDERS = {"rust": RELEASE / "bin", "python": RELEASE / "venv" / "bin"}


def main(words: Sequence[str] | None = None, profile: Profile = HOST) -> int:
    """The program; see above for its exit status. A reader that has what it needs, such as `head`, ends it."""
    try:
        try:
            return _run(sys.argv[1:] if words is None else words, profile)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left has no reader
        return 2


def _run(words: Sequence[str], profile: Profile) -> int:
    options = _parser().parse_args(words)
    try:
        if isolation.applies() and not options.here:
            return isolation.run([sys.executable, "-IB", str(RELEASE / "bench" / "seclyzer_bench"), *words])
        return _measure(options, profile)
    except BenchError as fault:
        print(f"seclyzer_bench: {fault}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="seclyzer_bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in IMPLEMENTATIONS:
        about = f"{name}'s programs (default: %(default)s)"
        parser.add_argument(f"--{name}", type=Path, default=FOLDERS[name], metavar="DIR", help=about)
    parser.add_argument(
        "--state",
        type=Path,
        default=Path(os.environ.get("STATE_DIRECTORY") or STATE),
        metavar="DIR",
        help="where baseline.json and last.json are kept (default: %(default)s)",
    )
    parser.add_argument("--new-baseline", action="store_true", help="this run becomes the baseline")
    parser.add_argument("--here", action="store_true", help="as root too: measure in this session, not as a unit apart")
    return parser


def _measure(options: argparse.Namespace, profile: Profile) -> int:
    if not options.here:
        os.nice(max(0, 10 - os.nice(0)))
    folders = {name: getattr(options, name).absolute() for name in IMPLEMENTATIONS}
    about = describe(folders)
    sink = Sink()
    try:
        about["store"] = sink.store.about
        print(f"This host, both implementations, about two minutes; points go to {sink.store.about}.", flush=True)
        lab = Lab(folders, sink.store, Figures(), _say)
        about |= run(lab, profile, PHASES)
    finally:
        sink.stop()
    result = Result(profile.name, about, lab.figures, expectations.load(host=True))
    print(f"\n{all_figures(result)}\n\n{users_table(result)}\n\n{USERS_WORDS}\n{_disturbed(about)}\n")
    _keep(result, options.state, options.new_baseline, print)
    return _conclude(result)


def describe(folders: Mapping[str, Path]) -> dict[str, Any]:
    """What runs where; BenchError when a program is missing."""
    about = machine.about()
    about["programs"] = {name: machine.version(program_of(folders[name], "keystroke")) for name in IMPLEMENTATIONS}
    about["python"] = machine.python_of(folders["python"])
    about["release"] = RELEASE.name
    return about


def _say(text: str) -> None:
    print(text, flush=True)


def _keep(result: Result, state: Path, new: bool, say: Callable[[str], None]) -> None:
    """The figures in the state folder, and what has changed since the baseline."""
    baseline = state / "baseline.json"
    try:
        state.mkdir(parents=True, exist_ok=True)
        result.write(state / "last.json")
        if new or not baseline.exists():
            result.write(baseline)
            say(f"Baseline: this run, kept in {baseline}.")
            return
    except OSError as fault:
        say(f"The figures are not kept: {state}: {fault.strerror}; --state names another folder.")
        if new or not os.access(baseline, os.R_OK):
            return
    about, then = read_figures(baseline)
    found = changes(result.figures, then, result.expectations)
    say(f"Since the baseline of {about['at']} ({about['release']}): " + ("" if found else "no notable change."))
    for each in found:
        say(f"  {each}")


def _disturbed(about: Mapping[str, object]) -> str:
    """How busy the host was without us, since that makes wall times longer: the bench gives way to everybody."""
    return (
        f"Load of the host before: {about['load_before']}, on {about['cores']} cores; a turn of a plain loop took "
        f"{about['loop_ns_least']} to {about['loop_ns_most']} ns.\n"
        "The bench gives way to all other work, so wall times\n"
        "(ms, events/s) are the longer the busier the host is: they are shown, and decide nothing."
    )


def _conclude(result: Result) -> int:
    faults = result.faults()
    for fault in faults:
        print(f"FAIL  {fault}")
    print("FAIL" if faults else "PASS: every figure is as expected of a host")
    return 1 if faults else 0
