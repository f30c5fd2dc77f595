"""What is this host meant to run? The deployment's manifest, as it stands on disk."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .. import __version__
from ..model import Entry, Reading, Status

MODES = ("python", "rust", "hybrid")
IMPLEMENTATIONS = ("python", "rust")
KINDS = ("keystroke", "mouse", "app")
MAX_BYTES = 64 * 1024
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,99}")


@dataclass(frozen=True, slots=True)
class Deployment:
    """The parts of a manifest that are read; None or absent where it does not say.

    `number` is the name of the deployment's directory.
    """

    number: str | None
    release: str | None
    version: str | None
    mode: str | None
    implementations: Mapping[str, str] = field(default_factory=dict)


class BadManifest(ValueError):
    """The manifest is there, but not what it should be; the message says what is wrong."""


def load(directory: Path) -> Deployment:
    """Read `manifest.json` in the directory (through `current`). Raises OSError, BadManifest."""
    with (directory / "manifest.json").open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise BadManifest(f"is larger than {MAX_BYTES} bytes")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise BadManifest("is not JSON") from None
    if not isinstance(document, dict):
        raise BadManifest("is not a JSON object")
    wanted = document.get("implementations") or {}
    if not isinstance(wanted, dict) or not all(k in KINDS and v in IMPLEMENTATIONS for k, v in wanted.items()):
        raise BadManifest("has implementations other than python or rust for keystroke, mouse, app")
    mode = _name(document, "mode")
    if mode is not None and mode not in MODES:
        raise BadManifest("has a mode other than python, rust, hybrid")
    number = directory.resolve().name
    return Deployment(number, _name(document, "release"), _name(document, "version"), mode, dict(wanted))


def _name(document: Mapping[str, object], key: str) -> str | None:
    value = document.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise BadManifest(f"has a {key} that is no plain name")
    return value


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
            f"the manifest of deployment {d.number} does not say {', '.join(missing)}",
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
            f"mode {d.mode}: {runs}" if runs else "no extractors are meant to run here",
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
        return Reading(judge(deployment), deployment)

    def _bad(self, status: Status, words: str) -> Reading:
        return Reading((Entry("release", "deployment", "component", status, words, figures=False),))
