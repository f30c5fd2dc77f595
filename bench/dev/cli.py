"""`make bench`: every figure of both implementations, against a real InfluxDB with TLS; results go to docs/bench.*.

Exit status: 0 when every gated figure is within its limit, 1 when not, 2 when it could not be measured.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from .. import IMPLEMENTATIONS, BenchError, expectations, host
from ..figures import Figures
from ..phases import Lab
from ..report import USERS_WORDS, all_figures, users_table
from ..result import Result
from ..run import CATCH_UP, COUNTED, FULL, PHASES, QUICK, Phase, run
from . import agent, document, hour, plot
from .influxd import Influxd

ROOT = Path(__file__).resolve().parents[2]
BUILT = {"rust": ROOT / "build" / "rust", "python": ROOT / "build" / "python" / "bin"}
HOUR: Phase = ("hour", "idle, and an hour of a person's work", lambda lab, p: hour.measure(lab, p.hour_s, p.idle_s))
AGENT: Phase = ("agent", "the health agent, beside node_exporter", lambda lab, p: agent.measure(lab, p.idle_s))
ALL = (*(HOUR if phase[0] == "idle" else phase for phase in (*PHASES, COUNTED, CATCH_UP)), AGENT)
NAMES = tuple(name for name, _, _ in ALL)
QUIET_LOAD = 0.5


def main(words: Sequence[str] | None = None) -> int:
    """The program."""
    options = _parser().parse_args(words)
    try:
        return _bench(options)
    except BenchError as fault:
        print(f"bench: {fault}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="little of everything, to see that it works")
    parser.add_argument("--only", nargs="+", choices=NAMES, metavar="PHASE", help=f"of: {', '.join(NAMES)}")
    for name in IMPLEMENTATIONS:
        parser.add_argument(
            f"--{name}", type=Path, default=BUILT[name], metavar="DIR", help=f"{name}'s programs (default: %(default)s)"
        )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="where bench.md, .json and .svg go (default: nowhere)",
    )
    return parser


def _bench(options: argparse.Namespace) -> int:
    profile = QUICK if options.quick else FULL
    phases = tuple(phase for phase in ALL if options.only is None or phase[0] in options.only)
    folders = {name: getattr(options, name).absolute() for name in IMPLEMENTATIONS}
    about = host.describe(folders)
    if about["load_before"] > QUIET_LOAD:
        _say(f"Something else works here (load {about['load_before']}): times and their ratios suffer from it.")
    begun = time.monotonic()
    figures = Figures()
    with tempfile.TemporaryDirectory(prefix="bench-influxd-") as folder:
        influxd = Influxd(Path(folder))
        try:
            about |= {"store": influxd.store.about, "release": "this checkout"}
            about |= run(Lab(folders, influxd.store, figures, _say), profile, phases)
        finally:
            influxd.stop()
    about["seconds"] = round(time.monotonic() - begun)
    table = expectations.load()
    if options.only:
        table = {name: each for name, each in table.items() if name in figures.samples}
    result = Result(profile.name, about, figures, table)
    print(f"\n{all_figures(result)}\n\n{users_table(result)}\n\n{USERS_WORDS}\n")
    if options.out:
        _write(result, options.out)
    for fault in result.faults():
        print(f"FAIL  {fault}")
    print(f"{'FAIL' if result.faults() else 'PASS'}, in {about['seconds']} s")
    return 1 if result.faults() else 0


def _write(result: Result, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    result.write(out / "bench.json")
    (out / "bench.svg").write_text(plot.svg(result))
    (out / "bench.md").write_text(document.markdown(result))
    print(f"Written: {out}/bench.md, bench.json, bench.svg")


def _say(text: str) -> None:
    print(text, flush=True)
