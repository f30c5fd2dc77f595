"""influxd: built from its pinned Go module once, then kept by the content of its recipe."""

import hashlib
import os
import platform
import re
import shutil
import tempfile
from pathlib import Path

from lab import paths
from lab.lock import locked
from lab.run import attempt, run
from lab.say import LabError, say, step

MODULE = Path(__file__).with_name("influxd")
COMMAND = "github.com/influxdata/influxdb/v2/cmd/influxd"
PKG_CONFIG = "github.com/influxdata/pkg-config"
FLAGS = ("-trimpath", "-buildvcs=false", "-tags", "sqlite_foreign_keys,sqlite_json")
LINKED = "-s -w -X main.version={version} -X main.commit=source"
GO = ("env", "-u", "CARGO_TARGET_DIR", "go")  # pkg-config looks for libflux where cargo puts it by itself
TOOLS = {
    "go": "Go 1.25 or later",
    "cargo": "Rust",
    "rustup": "Rust's rustup",
    "clang": "`apt-get install clang`",
}


def key() -> str:
    """The recipe's hash: other pins or flags are another program."""
    parts = [(MODULE / "go.mod").read_bytes(), (MODULE / "go.sum").read_bytes(), *map(str.encode, (*FLAGS, LINKED))]
    return hashlib.sha256(b"\0".join([*parts, platform.machine().encode()])).hexdigest()[:16]


def version() -> str:
    """The version pinned in go.mod, such as v2.9.1."""
    found = re.search(r"^\s*github\.com/influxdata/influxdb/v2 (v\S+)", (MODULE / "go.mod").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


def cached() -> Path:
    """Where the built program is kept."""
    return paths.cache() / "influxd" / key() / "influxd"


def ensure() -> Path:
    """The influxd program: the one SECLYZER_INFLUXD names, the cached one, an installed InfluxDB 2, or a new build.

    The labs' inventories name it by a link whose place never changes: influxd/influxd in the cache.
    """
    path = _found_or_built()
    link = paths.cache() / "influxd" / "influxd"
    if not (link.is_symlink() and link.readlink() == path):
        link.parent.mkdir(parents=True, exist_ok=True)
        new = link.with_name(f".influxd-{os.getpid()}")
        new.symlink_to(path)
        new.replace(link)
    return path


def _found_or_built() -> Path:
    own = os.environ.get("SECLYZER_INFLUXD")
    if own:
        path = Path(own).expanduser().absolute()
        if not os.access(path, os.X_OK):
            raise LabError(f"SECLYZER_INFLUXD names {path}, which is no program")
        return path
    if not cached().exists():
        if program := _installed():
            say(f"influxd: {program}, which is installed here")
            return program
        with locked("influxd"):
            if not cached().exists():
                _build(cached())
    return cached()


def _installed() -> Path | None:
    """The influxd on PATH, when it is InfluxDB 2: Debian's is 1."""
    program = shutil.which("influxd")
    if program is None:
        return None
    code, out, _ = attempt([program, "version"])
    return Path(program).resolve() if code == 0 and re.search(r"InfluxDB v?2\.", out) else None


def _build(final: Path) -> None:
    missing = [f"{tool} ({hint})" for tool, hint in TOOLS.items() if shutil.which(tool) is None]
    if missing:
        raise LabError(f"influxd cannot be built here without {', '.join(missing)}; or name one by SECLYZER_INFLUXD")
    say("influxd: building from source, about 5 minutes on 2 cores the first time")
    final.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=final.parent) as folder:
        work = Path(folder)
        with step("go build pkg-config"):
            run([*GO, "build", "-o", str(work / "pkg-config"), PKG_CONFIG], cwd=MODULE, timeout=1800)
        env = {"PKG_CONFIG": str(work / "pkg-config"), "RUSTUP_TOOLCHAIN": _toolchain(), "CGO_ENABLED": "1"}
        flags = [*FLAGS, "-ldflags", LINKED.format(version=version())]
        with step("go build influxd (with libflux by cargo)", usual=300):
            run(
                [*GO, "build", *flags, "-o", str(work / "influxd"), COMMAND],
                cwd=MODULE,
                env=env,
                timeout=3600,
            )
        (work / "influxd").rename(final)


def _toolchain() -> str:
    """The installed Rust toolchain; without its name libflux's build would try to install another."""
    code, out, err = attempt(["rustup", "show", "active-toolchain"])
    if code != 0 or not out.split():
        raise LabError(f"no Rust toolchain is installed: {err.strip() or 'type `rustup default stable`'}")
    return out.split()[0]
