"""Releases made from the real one: bad ones, which pass every proof and fail as a service, and a few others."""

import json
import secrets
import shutil
import tarfile
from pathlib import Path

from hostchecks.lab import ROOT
from plugins.module_utils import bundles
from plugins.module_utils.files import sha256
from scripts.bundle import signing
from scripts.bundle.archives import pack

PROGRAM = "keystroke_extractor"
REAL = "keystroke_extractor.real"
# `--check`, `--replay` and whatever else asks the program something goes to the real one.
ASKED = 'case "$*" in *--check*|*--replay*|*--version*|*--print-config*) exec "$real" "$@";; esac'
SCRIPT = """#!/bin/sh
# {made}
real="$(dirname -- "$(readlink -f -- "$0")")/keystroke_extractor.real"
{what}
"""
OTHERS = {
    "another": 'exec "$real" "$@"',
    "unproven": 'case "$*" in *--replay*) exit 1;; esac; exec "$real" "$@"',
}
"""What is no bad service: another release that is as good, and one that its proof refuses."""
ANSWERS = """
import os, socket, sys
if os.path.exists(sys.argv[1]): os.unlink(sys.argv[1])
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
while True:
    client, _ = server.accept()
    client.recv(65536)
    client.sendall(b"HTTP/1.1 500 Internal Server Error\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n")
    client.close()
"""
"""A store that refuses each point by a fault of its own, at a unix socket."""
FAULTS = {
    "exits": 'echo "cannot go on: the licence of the frobnicator is missing" >&2; exit 3',
    "hangs": "exec sleep 100000",
    "mute": 'exec "$real" "$@" --window 3600 --interval 3600',
    "crashes": '( sleep 17; kill -ABRT $$ ) & exec "$real" "$@"',
    "leaks": '( while :; do i=$((i + 1)); eval "x$i=\\$(printf %400000s)"; sleep 1; done ) & exec "$real" "$@"',
    "freezes": '( sleep 12; kill -STOP $$ ) & exec "$real" "$@"',
    "wrong": 'exec "$real" "$@" --window 20',
    "spools": 'exec "$real" "$@" --influx-socket /run/seclyzer/no-such.sock',
    "claims": f"""at="$STATE_DIRECTORY/store.sock"
python3 -c '{ANSWERS}' "$at" &
exec "$real" "$@" --influx-url http://127.0.0.1:8086 --influx-socket "$at\"""",
}
"""What the keystroke extractor does as a service, by the name of the bad release."""


def make(
    fault: str, into: Path, bundle: Path = ROOT / "build" / "bundle", states: dict[str, dict[str, object]] | None = None
) -> Path:
    """A bundle whose Rust keystroke extractor has this fault, or is one of OTHERS; its folder.

    `states`: the versions of state by which its manifest differs.
    """
    shutil.rmtree(into, ignore_errors=True)
    tree = into.with_name(f"{into.name}.tree")
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(bundle, into)
    with tarfile.open(into / "common.tar.gz") as packed:
        packed.extractall(tree, filter="data")
    program = tree / "bin" / PROGRAM
    program.rename(tree / "bin" / REAL)
    what = f"{ASKED}\n{FAULTS[fault]}" if fault in FAULTS else OTHERS[fault]
    # Each time another content: hosts refuse what they have returned from.
    program.write_text(SCRIPT.format(what=what, made=secrets.token_hex(8)))
    program.chmod(0o755)
    shutil.rmtree(tree / "checksums")
    archive = pack("common", tree, into)
    manifest = json.loads((into / bundles.MANIFEST).read_text())
    manifest["archives"]["common"] = archive.described()
    manifest["release"] = f"{manifest['version']}-{archive.content[:12]}"
    manifest["state"] = manifest.get("state", {}) | (states or {})
    (into / bundles.MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
    names = [line.split()[1] for line in (bundle / bundles.SUMS).read_text().splitlines()]
    (into / bundles.SUMS).write_text("".join(f"{sha256(into / name)}  {name}\n" for name in names))
    signing.ensure(into, signing.own())
    shutil.rmtree(tree)
    return into
