"""Feeding a host: the sender is started on it through ssh and given the events on its stdin.

Root reads the password there; it never leaves the host, and stands in no command line and no environment.
"""

import json
import os
import shlex
import subprocess
from pathlib import Path
from typing import IO, BinaryIO

from lab import keys
from lab.labs import Lab
from lab.say import LabError

PARTS = [Path(__file__).with_name(name) for name in ("wire.py", "sender.py")]
SOCKET = "/run/redis/redis-server.sock"
PASSWORD = "/etc/seclyzer/credentials/redis-collector"
# Takes exactly the program's bytes off stdin and leaves the events there.
BEGIN = """\
import json, os, sys, types
size, text = int(sys.argv.pop(1)), b""
while len(text) < size:
    part = os.read(0, size - len(text))
    if not part:
        sys.exit("feed: the program did not arrive")
    text += part
wire, sender = json.loads(text)
sys.modules["lab.wire"] = module = types.ModuleType("lab.wire")
exec(compile(wire, "wire.py", "exec"), module.__dict__)
exec(compile(sender, "sender.py", "exec"))
"""


def program() -> bytes:
    """What is sent before the events: the sender, and Redis' protocol, which it imports."""
    return json.dumps([part.read_text() for part in PARTS]).encode()


def feed(lab: Lab, host: str, source: BinaryIO, speed: str, shift: str | None, transport: str) -> int:
    """Send events to a host's Redis as the collector; the exit status of the sender there."""
    lab.host(host)
    if not keys.login_key(lab).exists():
        raise LabError(f"lab {lab.name} is not up: type `python3 -m lab up --lab {lab.name}`")
    sent = program()
    words = ["--socket", SOCKET, "--password-file", PASSWORD, "--speed", speed, "--transport", transport]
    words += ["--shift", shift] if shift else []
    remote = shlex.join(["sudo", "-n", "python3", "-I", "-c", BEGIN, str(len(sent)), *words])
    command = [*keys.ssh(lab, host, "-T", "-o", "BatchMode=yes", "-o", "ServerAliveInterval=5"), remote]
    with subprocess.Popen(command, stdin=subprocess.PIPE, bufsize=0) as ssh:
        assert ssh.stdin is not None
        try:
            _pour(sent, source, ssh.stdin)
        except BrokenPipeError:
            pass  # the other side has reported why
        except KeyboardInterrupt:
            ssh.terminate()
            raise
        code = ssh.wait()
    if code == 255:
        raise LabError(f"{host} of lab {lab.name} cannot be reached: type `python3 -m lab status`")
    return code


def _pour(program: bytes, source: BinaryIO, into: IO[bytes]) -> None:
    """The program, then the events as they come."""
    into.write(program)
    while part := os.read(source.fileno(), 65536):
        into.write(part)
    into.close()
