"""A host with two deployments and a trial, which may be killed at any step."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import (
    deployments,
    files,
    health,
    on_trial,
    releases,
    runs,
    systemd,
    trials,
)
from plugins.module_utils.before import Before
from plugins.module_utils.files import locked
from plugins.module_utils.health import Health
from plugins.module_utils.history import History
from plugins.module_utils.layout import Layout
from plugins.module_utils.on_trial import Terms
from plugins.module_utils.trials import Trial
from plugins.module_utils.watching import Watching
from tests.plugins.hosts import Systemd, bundle, desired

KEYSTROKE = "seclyzer-keystroke.service"
TERMS = Terms(soak=45, seconds=240, patience=60)
CHANGES = ("start", "stop", "restart", "daemon-reload")


class Killed(BaseException):
    """The process or the machine ends here."""


class World:
    """One host with two deployments, the first of which runs; the second is bad as long as `bad` says so."""

    def __init__(self, host: Layout, fake: Systemd, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.host, self.fake = host, fake
        self.bad: str = ""
        self.now = 1000.0
        self._left: int | None = None
        for number, text in ((1, "window: 30"), (2, "window: 10")):
            manifest = bundle(folder, says=text)
            releases.install(host, manifest, folder)
            n = deployments.create(host, History.load(host), desired(host, manifest, settings=text), "me", None)
            assert n == number
        on_trial.switch(host, 1, "me", "switched", "first", Before(), Terms(), 5)
        monkeypatch.setattr(health, "look", self._look)
        monkeypatch.setattr(health, "wait", lambda target, seconds, pause: self._look(target))
        monkeypatch.setattr(files, "_rename", self._step(files._rename))
        run = systemd.run
        step = self._step(run)
        monkeypatch.setattr(systemd, "run", lambda argv, *more: (step if {*CHANGES} & {*argv} else run)(argv, *more))

    def _step(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def done(*arguments: Any, **more: Any) -> Any:
            if self._left is not None:
                if self._left == 0:
                    raise Killed
                self._left -= 1
            return work(*arguments, **more)

        return done

    def _look(self, target: health.Target, narrow: bool = False) -> Health:
        found = Health(states=systemd.show([KEYSTROKE], health.STATE))
        if self.bad and "window: 10" in target.units[KEYSTROKE]:
            found.faults.append(self.bad)
        return found

    @contextmanager
    def killed_after(self, steps: int) -> Iterator[list[bool]]:
        """Ends what runs inside after so many changes to the host; what it yields gets True when it came to that."""
        self._left = steps
        reached = [False]
        try:
            yield reached
        except Killed:
            reached[0] = True
        finally:
            self._left = None

    def switch(self, what: str = "switched", n: int = 2) -> None:
        """As the module does it, with the lock held."""
        with locked(self.host.lock):
            runs.begin(self.host, "run-2", "me")
            runs.staged(self.host, "run-2", n)
            on_trial.switch(self.host, n, "me", what, "run-2", Before(), TERMS, 5)

    def judge(self) -> None:
        """As the unit does it."""
        Watching(self.host, lambda: self.now, self._sleep).run()

    def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def trial(self) -> Trial:
        """What the host says of its trial."""
        found = trials.load(self.host)
        assert found is not None
        return found

    def runs(self) -> int:
        """The deployment that runs, all of whose unit files are installed and enabled, with no judge left."""
        n = deployments.current(self.host)
        assert n is not None
        units = deployments.load(self.host, n).units
        assert {path.name: path.read_text() for path in self.host.units.glob("*.service")} == units
        assert {os.readlink(path) for path in self.host.wants.glob("[!.]*")} == {
            str(self.host.units / u) for u in units
        }
        return n

    def state(self, n: int) -> str:
        """The state of a deployment in the history."""
        return History.load(self.host).state(n)
