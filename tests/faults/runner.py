"""Runs faults as processes of their own, several at a time, and again when the harness itself was held up."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.helpers import ROOT
from tests.helpers.influx_server import InfluxServer

from .campaign import Result, again

LONGEST_S = 900
TRIES = 3  # a feeder that was not let run sends late events


class Runner:
    """Runs faults with one influxd for all that do not disturb it."""

    def __init__(self, folder: Path, jobs: int) -> None:
        self._influx = InfluxServer(folder)
        self._influx.start()
        self._influx.set_up()
        # A copy: pytest changes the environment while threads start processes with it, which then can fail (EFAULT).
        self._environment = dict(os.environ)
        self.pool = ThreadPoolExecutor(jobs)

    def run(self, fault: str, implementation: str, seed: int) -> Result:
        """What came of it."""
        for _ in range(TRIES):
            result = self._run(fault, implementation, seed)
            if "invalid" not in result.notes:
                break
        return result

    def _run(self, fault: str, implementation: str, seed: int) -> Result:
        words = [sys.executable, "-m", "tests.faults.one", "--fault", fault, "--implementation", implementation]
        words += ["--seed", str(seed), "--influx", self._influx.shared(), "--json"]
        done = subprocess.run(words, cwd=ROOT, env=self._environment, capture_output=True, text=True, timeout=LONGEST_S)
        if done.returncode:
            return Result(fault, implementation, seed, wrongs=[f"the harness failed: {done.stderr[-1500:]}"])
        made: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return Result(**made)

    def close(self) -> None:
        """Ends it."""
        self.pool.shutdown(cancel_futures=True)
        self._influx.kill()


def story(result: Result) -> str:
    """A result in words, for whoever has to find out why."""
    lines = [f"{result.fault} ({result.implementation}), seed {result.seed}: {len(result.wrongs)} things wrong"]
    lines += [f"    {one}" for one in result.wrongs]
    lines += [f"  load {result.load}, notes {result.notes}", result.logs]
    return "\n".join([*lines, f"again: {again(result.fault, result.implementation, result.seed)}"])
