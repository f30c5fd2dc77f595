"""Runs one fault and says what came of it: `python -m tests.faults.one --fault NAME --implementation rust --seed 1`."""

import argparse
import json
import sys

from .campaign import again, run
from .catalogue import FAULTS


def main() -> int:
    """Exit status 1 when something was lost, doubled or miscounted. With --json the result is the last line."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.one", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--fault", required=True, choices=FAULTS, metavar="NAME", help=f"one of: {', '.join(FAULTS)}")
    parser.add_argument("--implementation", required=True, choices=("python", "rust"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--influx", default="", help="an influxd that runs: port:token:organisation")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    result = run(FAULTS[asked.fault], asked.implementation, asked.seed, asked.influx)
    if asked.json:
        print(json.dumps(result.as_json()))
        return 0
    print(again(result.fault, result.implementation, result.seed), f"took {result.seconds} s")
    for kind, outcome in result.outcomes.items():
        print(f"  {kind}: { ({name: value for name, value in outcome.items() if value not in ([], False)}) }")
        print(f"    {result.stats[kind]}")
    print(f"  load: {result.load}\n  notes: {result.notes}\n  wrong: {result.wrongs or 'nothing'}")
    if result.wrongs:
        print(result.logs)
    return bool(result.wrongs)


if __name__ == "__main__":
    sys.exit(main())
