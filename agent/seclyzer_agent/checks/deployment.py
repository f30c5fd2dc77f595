"""What is this host configured to run? The deployment's manifest, as it stands on disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from .. import __version__
from ..kinds import KINDS
from ..manifest import BadManifest, Deployment, Other, load, others, trial
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


class DeploymentCheck:
    """The check `deployment`. Its facts: a Deployment."""

    name = "deployment"
    after = ()
    primary = Entry("release", "deployment", "component", Status.FAIL, "")

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._others: dict[Path, tuple[int, Other | None]] = {}

    async def read(self) -> Reading:
        """Read the manifest. One that is missing is a warning, one that cannot be understood a failure."""
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
            for folder in others(self._directory):
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
