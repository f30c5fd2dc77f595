"""What is this host configured to run? The deployment's manifest, as it stands on disk."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from .. import __version__
from ..kinds import KINDS
from ..manifest import TRIAL, BadManifest, Deployment, Other, load, others, trial
from ..model import Entry, Pace, Reading, Status
from ..spec import Metric, Sample, Spec


def judge(deployment: Deployment) -> tuple[Entry, ...]:
    """The entries of a manifest that could be read."""
    d = deployment
    needed = ("release", "version", "mode") if d.implementations else ("release", "version")
    missing = [key for key in needed if getattr(d, key) is None]
    words = f"deployment {d.number}: release {d.release}" + (f", mode {d.mode}" if d.mode else "")
    status = Status.PASS
    if missing:
        status, words = (
            Status.WARN,
            f"the manifest of deployment {d.number} lacks {', '.join(missing)}",
        )
    elif d.version != __version__:
        status = Status.WARN
        words += f"; this agent is {__version__}, not {d.version}: it was not restarted"
    runs = ", ".join(f"{kind} {d.implementations[kind]}" for kind in KINDS if kind in d.implementations)
    return (
        Entry("release", "deployment", "component", status, words, d.release, figures=False),
        Entry(
            "mode",
            "deployment",
            "component",
            Status.PASS,
            f"mode {d.mode}: {runs}" if runs else "no extractors are configured here",
            d.mode,
            figures=False,
        ),
    )


Marks = tuple[tuple[int, ...] | None, ...]
SETTLED = 1_000_000_000  # ns after which a file that is written again has another time


def mark(path: Path) -> tuple[int, ...] | None:
    """By what a file or folder is known again as long as nothing in it was changed; None for what is not there."""
    try:
        seen = os.stat(path)
    except OSError:
        return None
    return seen.st_ctime_ns, seen.st_dev, seen.st_ino, seen.st_size


def are_old(marks: Marks, now: int) -> bool:
    """Whether all were changed long enough ago that another change shows; `now` in Unix ns."""
    return all(now - one[0] > SETTLED for one in marks if one is not None)


class DeploymentCheck:
    """The check `deployment`. Its facts: a Deployment."""

    name = "deployment"
    after = ()
    primary = Entry("release", "deployment", "component", Status.FAIL, "")

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._others: dict[Path, tuple[int, Other | None]] = {}
        self._folders: tuple[Path, ...] = ()
        self._kept: tuple[Marks, Reading] | None = None

    async def read(self) -> Reading:
        """Read the manifest, unless nothing has changed. One that is missing is a warning, a bad one a failure."""
        marks = self._marks()
        if self._kept is None or self._kept[0] != marks:
            reading = self._read()
            good = isinstance(reading.facts, Deployment) and marks == self._marks() and are_old(marks, time.time_ns())
            self._kept = (marks, reading) if good else None
            return reading
        return self._kept[1]

    def _marks(self) -> Marks:
        """By what each file and folder is known again, of which a reading is made."""
        folders = (self._directory, self._directory / "..", *self._folders)
        files = (folder / "manifest.json" for folder in (self._directory, *self._folders))
        return tuple(mark(path) for path in (*folders, *files, self._directory.parent / TRIAL))

    def _read(self) -> Reading:
        place = self._directory / "manifest.json"
        try:
            deployment = load(self._directory)
        except FileNotFoundError:
            return self._bad(Status.WARN, f"{place} is missing: nothing was deployed here")
        except OSError as error:
            return self._bad(Status.FAIL, f"{place} cannot be read: {error.strerror}")
        except BadManifest as error:
            return self._bad(Status.FAIL, f"{place} {error}")
        return Reading(judge(deployment), replace(deployment, others=self._beside(), trial=trial(self._directory)))

    def _beside(self) -> tuple[Other, ...]:
        """The other deployments; each manifest is read again only when it was written again."""
        known, self._others = self._others, {}
        try:
            self._folders = others(self._directory)
            for folder in self._folders:
                written = (folder / "manifest.json").stat().st_mtime_ns
                before = known.get(folder)
                self._others[folder] = before if before and before[0] == written else (written, _other(folder))
        except OSError:
            pass  # one was taken away meanwhile; the next reading sees the rest
        return tuple(other for _, other in self._others.values() if other is not None)

    def _bad(self, status: Status, words: str) -> Reading:
        return Reading((Entry("release", "deployment", "component", status, words, figures=False),))


def _other(folder: Path) -> Other | None:
    try:
        found = load(folder)
    except (OSError, BadManifest):
        return None
    return Other(folder.name, found.release, found.mode, found.at)


def _build(_: str, deployment: Deployment | None) -> Iterator[Sample]:
    release, mode = (deployment.release, deployment.mode) if deployment else (None, None)
    yield (__version__, release or "", mode or ""), 1


SPEC = Spec(
    names=("deployment",),
    order=30,
    help="the manifest of the deployment",
    pace=Pace(5, 2, rise=1, fall=1),
    measurements={
        "release": "the release that is deployed: `warn` when there is no manifest or the agent is of another version",
        "mode": "the implementation that is configured for each extractor",
    },
    uses=("deployment_dir",),
    metrics=(
        Metric(
            "seclyzer_build_info",
            "gauge",
            "The agent's version, and the deployed release and mode",
            _build,
            labels=("version", "release", "mode"),
            state=True,
            when_unread=True,
        ),
    ),
    state_facts=True,
    make=lambda context: [DeploymentCheck(Path(context.settings.deployment_dir))],
)
