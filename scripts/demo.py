"""The product in one command: rolls out to the lab, lets a made-up person work on every edge, shows what comes of it.

`make demo` brings the lab up first. The view stays until it is stopped (Ctrl-C); with no one at the terminal it ends by
itself once features of every kind have arrived from every edge in InfluxDB, with exit status 0, or after
`--seconds` without that, with 1.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from lab.labs import Lab, labs
from plugins.module_utils.kinds import KINDS
from scripts.demo_view import Row, read, show, tunnel, watch_store

EDGES = ("edge1", "edge2")
STORE = "store"
QUERY = "scripts/demo_query.sh"


def roll_out(lab: Lab) -> None:
    """What a user types, as typed."""
    command = ["ansible-playbook", "-i", lab.inventory, "site.yml", "-e", "mode=hybrid"]
    print("==>", " ".join(command), flush=True)
    if subprocess.run(command).returncode:
        sys.exit("demo: the rollout failed; what is wrong stands above")


@contextmanager
def person(lab: Lab, host: str, seed: int) -> Iterator[None]:
    """A made-up person who works on a host until the context ends; events go through ssh, as the user `collector`."""
    module = [sys.executable, "-m", "lab"]
    generate = [*module, "generate", "--live", "--seconds", "0", "--seed", str(seed), "--rate", "2"]
    with (
        subprocess.Popen(generate, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as source,
        subprocess.Popen(
            [*module, "feed", host, "-", "--lab", lab.name], stdin=source.stdout, stderr=subprocess.DEVNULL
        ) as sink,
    ):
        try:
            yield
        finally:
            source.terminate()
            sink.terminate()


def places_to_look(lab: Lab) -> str:
    """Commands for a person who has seen the table; the hosts stay up."""
    ssh = f"ssh -F .lab/{lab.name}/ssh_config"
    return f"""Look at:
  health page   {ssh} -N -L 9484:127.0.0.1:9484 {EDGES[0]}     then http://127.0.0.1:9484/
  points        {ssh} {STORE} sudo bash < {QUERY}     InfluxDB's newest keystroke features
  journal       {ssh} {EDGES[0]} sudo journalctl -u "'seclyzer-*'" -n 20
  all hosts     ansible-playbook -i {lab.inventory} playbooks/status.yml
  dashboards    monitoring/README.md
  go on         docs/operations.md; `python3 -m lab down --lab {lab.name}` takes the hosts away"""


def arrived(first: list[Row], now: list[Row]) -> bool:
    """Whether, since the view began, points of every kind came to InfluxDB from every edge; and every host is well."""
    return all(row.health in ("pass", "warn") for row in now) and all(
        after.stored.get(kind, 0) > before.stored.get(kind, 0)
        for before, after in zip(first, now, strict=True)
        if after.host != STORE
        for kind in KINDS
    )


def live(lab: Lab, seconds: float) -> int:
    """Feeds and shows until stopped, or until the view is complete when no one is at the terminal."""
    attended = sys.stdout.isatty()
    with ExitStack() as stack:
        ports = {host: stack.enter_context(tunnel(lab, host)) for host in (*EDGES, STORE)}
        stored = stack.enter_context(watch_store(lab, STORE))
        for seed, host in enumerate(EDGES):
            stack.enter_context(person(lab, host, seed))
        start = time.monotonic()
        first: list[Row] = []
        while attended or time.monotonic() - start < seconds:
            time.sleep(2)
            points = stored.latest or {}
            rows = [read(host, port, points.get(host, {})) for host, port in ports.items()]
            show(rows, time.monotonic() - start, redraw=attended)
            if not first and stored.latest is not None:
                first = rows
            if not attended and first and arrived(first, rows):
                print("demo: features of every kind arrived from every edge in InfluxDB")
                return 0
    print("demo: not all of it arrived in time; `journalctl -u 'seclyzer-*'` on the hosts shows more", file=sys.stderr)
    return 1


def main() -> int:
    """Rolls out, feeds, shows."""
    parser = argparse.ArgumentParser(prog="python -m scripts.demo", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lab", choices=list(labs()), default="demo")
    parser.add_argument("--seconds", type=float, default=120, help="give up after this long when no one is watching")
    parser.add_argument("--no-rollout", action="store_true", help="the hosts are as they should be: only feed and show")
    options = parser.parse_args()
    lab = labs()[options.lab]
    if not options.no_rollout:
        roll_out(lab)
    try:
        status = live(lab, options.seconds)
    except KeyboardInterrupt:
        print("\ndemo: stopped. The hosts stay up.")
        status = 0
    print(places_to_look(lab))
    return status


if __name__ == "__main__":
    sys.exit(main())
