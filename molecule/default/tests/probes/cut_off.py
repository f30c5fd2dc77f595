"""A switch that stands still at a step, until its host's power is cut: the rollout's own code, of what runs.

`on_trial`, which starts a switch, is no part of a release and comes with the test.
"""

import importlib
import os
import signal
import sys
import types
from pathlib import Path
from typing import Any

RELEASES = Path("/opt/seclyzer/releases")
PACKAGE = "seclyzer_judge"
STOPS = {"link": "link", "units": "write", "restart": "_start"}
"""By step: the function of `switching` that it begins with."""


def main(release: str, deployment: int, step: str, run: str, on_trial: str) -> int:
    """Begins to switch to a deployment and stops before `step`; the process that stands still."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            raise RuntimeError(f"the switch came to its end without {step}")
        return child
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.umask(0o022)
    sys.dont_write_bytecode = True  # a release holds what was packed, and no more
    sys.path.insert(0, str(RELEASES / release / "judge"))
    _switch(deployment, step, run, on_trial)
    os._exit(0)


def _switch(deployment: int, step: str, run: str, on_trial: str) -> None:
    files, layout, runs, switching, before = (
        importlib.import_module(f"{PACKAGE}.{name}") for name in ("files", "layout", "runs", "switching", "before")
    )
    beginning: Any = types.ModuleType(f"{PACKAGE}.on_trial")
    beginning.__package__ = PACKAGE
    sys.modules[beginning.__name__] = beginning
    exec(compile(on_trial, "on_trial.py", "exec"), beginning.__dict__)
    setattr(switching, STOPS[step], lambda *_: os.kill(os.getpid(), signal.SIGSTOP))
    here = layout.Layout()
    with files.locked(here.lock):
        runs.begin(here, run, "the test")
        terms = beginning.Terms(10.0)
        beginning.switch(here, deployment, "the test", "switched", run, before.Before(), terms, 3)
