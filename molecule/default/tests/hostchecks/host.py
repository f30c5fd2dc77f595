"""A host as the tests see it: commands as root through ssh, and Python programs run there.

testinfra carries no types of its own; the protocols here name the little of it that is used.
"""

import base64
import json
import zlib
from pathlib import Path
from typing import Any, Protocol

PROBES = Path(__file__).resolve().parent.parent / "probes"

# A command line holds at most 128 KiB; what is longer goes in pieces.
PIECE = 90_000

# Builds the package `probes` from the sources it is given, in memory, and calls `main` of one of its modules.
BOOT = """
import base64, json, sys, types, zlib
pack = json.loads(zlib.decompress(base64.b64decode(sys.stdin.buffer.read())))
package = sys.modules["probes"] = types.ModuleType("probes")
package.__path__ = []
for name, source in pack["modules"]:
    module = sys.modules["probes." + name] = types.ModuleType("probes." + name)
    exec(compile(source, "probes/" + name + ".py", "exec"), module.__dict__)
json.dump(module.main(**pack["arguments"]), sys.stdout)
"""


class Result(Protocol):
    """What a command on a host came to."""

    @property
    def rc(self) -> int: ...
    @property
    def stdout(self) -> str: ...
    @property
    def stderr(self) -> str: ...


class Backend(Protocol):
    """The way to a host."""

    def get_pytest_id(self) -> str: ...


class Host(Protocol):
    """A host of the lab; every command runs as root."""

    @property
    def backend(self) -> Backend: ...
    def __hash__(self) -> int: ...
    def run(self, command: str, *args: str) -> Result: ...
    def check_output(self, command: str, *args: str) -> str: ...


def name(host: Host) -> str:
    """The host's name in the inventory."""
    return host.backend.get_pytest_id().rpartition("/")[2]


def run_on(host: Host, program: str, /, *modules: str, **arguments: Any) -> Any:
    """Run `main(**arguments)` of tests/probes/<program>.py on the host, as root, and return what it returns.

    `modules` are further modules of probes that it imports (`wire` comes with all). Arguments and the value returned
    are JSON; no secret belongs in either: programs read secrets on the host and keep them there.
    """
    pack = packed(program, *modules, **arguments)
    if len(pack) <= PIECE:
        done = host.run("echo %s | python3 -c %s", pack, BOOT)
    else:
        file = host.check_output("mktemp")
        put(host, pack, file)
        done = host.run("python3 -c %s < %s; status=$?; rm -f %s; exit $status", BOOT, file, file)
    if done.rc != 0:
        raise AssertionError(f"{program} on {name(host)} ended with {done.rc}:\n{done.stderr}")
    return json.loads(done.stdout)


def packed(program: str, /, *modules: str, **arguments: Any) -> str:
    """What BOOT reads on the host to run that program of probes."""
    sources = [(module, (PROBES / f"{module}.py").read_text()) for module in ("wire", *modules, program)]
    return base64.b64encode(
        zlib.compress(json.dumps({"modules": sources, "arguments": arguments}).encode(), 9)
    ).decode()


def put(host: Host, pack: str, file: str) -> None:
    """Brings it into a file there."""
    for at in range(0, len(pack), PIECE):
        host.check_output("printf %s %s >> %s", "%s", pack[at : at + PIECE], file)


def run_beside(host: Host, unit: str, folder: str, pack: str) -> None:
    """Runs what `packed` gave in a unit of its own, which goes on when the connection ends. `folder` is made for it."""
    host.check_output("mkdir -m 700 %s", folder)
    put(host, pack, f"{folder}/pack")
    host.check_output("printf %s %s > %s", "%s", BOOT, f"{folder}/boot.py")
    command = "systemd-run --quiet --unit=%s --property=StandardInput=file:%s python3 %s"
    host.check_output(command, unit, f"{folder}/pack", f"{folder}/boot.py")
