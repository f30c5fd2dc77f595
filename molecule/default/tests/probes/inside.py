"""What a program reaches from inside a unit's sandbox, from its running process' namespaces, and from outside."""

import ctypes
import json
import pwd
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

UNITS = Path("/etc/systemd/system")
SHARED_KEY, SHARED_BYTES = 0x5EC1, 16
RESOLVER = Path("/run/systemd/resolve/io.systemd.Resolve")
ABSTRACT = "\0seclyzer-bait"
OF_ONE_RUN = ("Type", "ExecStart", "NotifyAccess", "Restart", "RestartSec", "WatchdogSec", "TimeoutStartSec")

# Runs inside: tries every target, and says "reached" or why not.
PROBE = r"""
import ctypes, errno, json, os, socket, ssl, sys
asked = json.loads(sys.argv[1])

def tcp(host, port):
    socket.create_connection((host, port), timeout=2).close()

def udp(host, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"\0\1\1\0\0\1\0\0\0\0\0\0\5store\0\0\1\0\1", (host, port))

def abstract(name):
    with socket.socket(socket.AF_UNIX) as one:
        one.connect("\0" + name)

def shared(key, size):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.shmget(key, size, 0) < 0:
        raise OSError(ctypes.get_errno(), "")

def unix(path):
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(path)

def store(path, name, ca):
    context = ssl.create_default_context(cafile=ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    with socket.socket(socket.AF_UNIX) as one:
        one.settimeout(5)
        one.connect(path)
        with context.wrap_socket(one, server_hostname=name) as tls:
            tls.sendall(f"GET /health HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
            if not tls.recv(4096).startswith(b"HTTP/1.1 200"):
                raise OSError(errno.EPROTO, "")

def replace(path):
    os.rename(path, path + ".mine")
    os.rename(path + ".mine", path)

results = {}
for name, (kind, *words) in asked.items():
    try:
        globals()[kind](*words)
        results[name] = "reached"
    except OSError as error:
        results[name] = errno.errorcode.get(error.errno, type(error).__name__)
print(json.dumps(results))
"""


def main(unit: str, way: str, targets: dict[str, list[Any]]) -> dict[str, str]:
    """By target "reached" or the error's name. `targets`: name → function of the probe and its arguments.

    `way`: `sandbox` as the unit would be started, `namespaces` those of its main process, `outside`, or a user's name
    for that user outside of any unit. Meanwhile the host has a segment of shared memory that everybody may use, listens
    on an abstract socket, and has a resolver that everybody may ask by a socket; the targets `shared`, `abstract` and
    `asked` are those.
    """
    targets = {
        **targets,
        "shared": ["shared", SHARED_KEY, SHARED_BYTES],
        "abstract": ["abstract", ABSTRACT[1:]],
        "asked": ["unix", str(RESOLVER)],
    }
    probe = ["/usr/bin/python3", "-I", "-c", PROBE, json.dumps(targets)]
    libc = ctypes.CDLL(None, use_errno=True)
    with ExitStack() as baits:
        baits.enter_context(_listener(ABSTRACT))
        baits.enter_context(_resolver())
        segment = libc.shmget(SHARED_KEY, SHARED_BYTES, 0o1666)  # IPC_CREAT
        baits.callback(libc.shmctl, segment, 0, None)  # IPC_RMID
        done = subprocess.run([*_entry(unit, way), *probe], capture_output=True, text=True, timeout=90)
    if done.returncode:
        raise RuntimeError(f"the probe ended with {done.returncode}: {done.stderr[-500:]}")
    reported: dict[str, str] = json.loads(done.stdout)
    return reported


@contextmanager
def _listener(address: str) -> Iterator[None]:
    with socket.socket(socket.AF_UNIX) as bait:
        bait.bind(address)
        bait.listen()
        yield


@contextmanager
def _resolver() -> Iterator[None]:
    """The socket by which systemd-resolved is asked, on a host that has none."""
    RESOLVER.parent.mkdir()
    try:
        with _listener(str(RESOLVER)):
            RESOLVER.chmod(0o666)
            yield
    finally:
        with suppress(FileNotFoundError):
            RESOLVER.unlink()
        RESOLVER.parent.rmdir()


def _entry(unit: str, way: str) -> list[str]:
    if way == "sandbox":
        properties = [f"--property={key}={value}" for key, value in settings(unit) if key not in OF_ONE_RUN]
        return ["systemd-run", "--quiet", "--wait", "--pipe", "--collect", *properties]
    if way == "namespaces":
        shown = subprocess.check_output(["systemctl", "show", "-p", "MainPID", "-p", "User", unit], text=True)
        found = dict(line.split("=", 1) for line in shown.splitlines())
        pid, user = found["MainPID"], pwd.getpwnam(found["User"])
        ids = [f"--setuid={user.pw_uid}", f"--setgid={user.pw_gid}"]
        return ["nsenter", f"--target={pid}", "--net", "--ipc", *ids]
    return [] if way == "outside" else ["runuser", "-u", way, "--"]


def settings(unit: str) -> list[tuple[str, str]]:
    """The unit's section [Service], line by line."""
    text = (UNITS / unit).read_text().partition("[Service]")[2].partition("\n[")[0]
    pairs = [line.partition("=") for line in text.splitlines() if "=" in line and not line.startswith("#")]
    return [(key, value) for key, _, value in pairs]
