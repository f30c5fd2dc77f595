"""A host in a folder: a layout of its own, archives to unpack, and a systemd that carries out its commands."""

import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from plugins.module_utils import bundles
from plugins.module_utils.deployments import Desired
from plugins.module_utils.files import sha256
from plugins.module_utils.layout import Layout
from plugins.module_utils.systemd import Completed
from scripts.bundle.archives import pack

ABOUT: dict[str, Any] = {
    "distribution": "debian",
    "distribution_version": "12",
    "architecture": "x86_64",
    "glibc": "2.36",
    "python": "python3.11",
    "systemd": True,
    "root": True,
    "free": 1 << 30,
}
"""What a host says of itself, as far as a bundle depends on it."""
MANIFEST: dict[str, Any] = {
    "release": "0.1.0-abcdefabcdef",
    "systems": {"debian": ["12", "13"]},
    "architecture": "x86_64",
    "glibc": "2.31",
    "archives": {"common": {"unpacked": 1 << 20}, "python3.11": {"unpacked": 20 << 20}},
}
"""What that bundle says of itself."""
UNITS = (".service", ".socket")
UNIT = """# settings: sha256:{settings}
[Unit]
Description={kind}

[Service]
Type=notify
ExecStart=/opt/seclyzer/releases/{release}/{folder}/{kind} --config {current}/config/{kind}.yaml
User=seclyzer-{kind}
LoadCredential=redis_password:{credential}
MemoryMax=32M
SystemCallFilter=@system-service
SystemCallFilter=~@privileged

[Install]
WantedBy=multi-user.target
"""


def layout(base: Path) -> Layout:
    """An empty host whose Python is 3.11."""
    (base / "bin").mkdir(parents=True)
    (base / "bin" / "python3.11").write_text("")
    (base / "bin" / "python3").symlink_to("python3.11")
    (base / "units").mkdir()
    return Layout(base / "seclyzer", base / "units", base / "bin" / "python3", base / "state")


def bundle(folder: Path, version: str = "0.1.0", says: str = "one") -> dict[str, Any]:
    """A bundle in `folder`; returns its manifest. `says` makes another release."""
    tree = folder / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    for path in ("common/bin/keystroke", "common/vectors/check.py", "common/judge/__main__.py", "python/venv/bin/app"):
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(f"{says} {path}\n")
        (tree / path).chmod(0o755)
    (tree / "python/venv/bin/python").symlink_to("/usr/bin/python3")
    packed = [pack("common", tree / "common", folder), pack("python3.11", tree / "python", folder)]
    return {
        "release": f"{version}-{packed[0].content[:12]}",
        "version": version,
        "archives": {archive.name: archive.described() for archive in packed},
        "source": {"commit": "0" * 40},
    }


def written(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Puts a bundle's manifest and SHA256SUMS beside its archives."""
    (folder / bundles.MANIFEST).write_text(json.dumps(manifest))
    hashes = {f"{name}.tar.gz": archive["sha256"] for name, archive in manifest["archives"].items()}
    hashes[bundles.MANIFEST] = sha256(folder / bundles.MANIFEST)
    (folder / bundles.SUMS).write_text("".join(f"{value}  {name}\n" for name, value in hashes.items()))


def desired(on: Layout, manifest: Mapping[str, Any], mode: str = "hybrid", settings: str = "window: 30") -> Desired:
    """A deployment of two units; `settings` are those of the first."""
    units, config = {}, {}
    for kind, text in (("keystroke", settings), ("agent", "listen: 127.0.0.1:9484")):
        config[f"{kind}.yaml"] = text
        units[f"seclyzer-{kind}.service"] = UNIT.format(
            kind=kind,
            settings=text,
            release=manifest["release"],
            folder="bin",
            current=on.current,
            credential=on.base.parent / "credential",
        )
    implementations = {"keystroke": "rust"}
    return Desired(manifest["release"], manifest["version"], mode, implementations, units, config, {})


STORE = {
    "seclyzer-store.socket": """[Socket]
ListenStream=/run/seclyzer/influx.sock
SocketGroup=seclyzer-store
SocketMode=0660

[Install]
WantedBy=sockets.target
""",
    "seclyzer-store.service": """[Service]
Type=exec
ExecStart=/usr/lib/systemd/systemd-socket-proxyd --connections-max=128 store:8086
Restart=always
User=seclyzer-store
""",
}


def with_way(value: Desired, **units: str) -> Desired:
    """The same deployment with a way to the store, and these units."""
    return Desired(**{**vars(value), "units": {**value.units, **STORE, **units}})


class Systemd:
    """Stands where programs are run: remembers every command, and keeps the state of units."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []
        self.active: dict[str, float] = {}
        self.fails: dict[str, str] = {}
        self.pid = 42
        self.result = "success"
        self.system = "running"
        self._started = time.monotonic()

    def run(self, argv: Sequence[str], timeout: float = 60.0) -> Completed:
        """What the program would have done."""
        words = list(argv)
        self.commands.append(words)
        for part, reported in self.fails.items():
            if part in " ".join(words):
                return Completed(words, 1, "", reported)
        if words[0] == "systemctl":
            return Completed(words, 0, self._systemctl([word for word in words[1:] if word != "--no-ask-password"]), "")
        return Completed(words, 0, "", "")

    def verbs(self, verb: str) -> list[str]:
        """The units that were given to `systemctl VERB`, in order."""
        return [unit for words in self.commands if verb in words[1:3] for unit in words if unit.endswith(UNITS)]

    def _systemctl(self, words: list[str]) -> str:
        units = [word for word in words if word.endswith(UNITS)]
        if words[0] == "is-system-running":
            return self.system
        if words[0] == "show":
            return "\n\n".join(self._show(unit) for unit in units)
        for unit in units:
            if words[0] in ("start", "restart"):
                self._started = time.monotonic()
                self.active[unit] = os.times().elapsed
            if words[0] == "stop":
                self.active.pop(unit, None)
        return ""

    def _show(self, unit: str) -> str:
        up = unit in self.active
        kind = "oneshot" if unit == "seclyzer-extractors.service" else "notify"
        lines = [f"Id={unit}", f"ActiveState={'active' if up else 'inactive'}", f"Type={kind}", "NeedDaemonReload=no"]
        lines.append(f"Result={self.result}")
        return "\n".join([*lines, f"ExecMainStartTimestampMonotonic={self._started * 1e6:.0f}", f"MainPID={self.pid}"])


def history(on: Layout) -> dict[str, Any]:
    """What history.json says."""
    return dict(json.loads(on.history.read_text()))
