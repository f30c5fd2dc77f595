"""The store moves to another address, as an edge sees it; and back."""

import subprocess
from pathlib import Path

HOSTS, RESOLVER = Path("/etc/hosts"), Path("/etc/resolv.conf")
KEPT = Path("/run/seclyzer-test")
NAMES = "seclyzer-test-names.service"
NAME_SERVER = "127.0.0.77"

# Answers every question for an address with the one it is given.
SERVER = r"""
import socket, sys
host, address = sys.argv[1:]
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
    one.bind((host, 53))
    while True:
        asked, who = one.recvfrom(512)
        end = asked.index(b"\0", 12) + 5
        kind, found = asked[end - 4 : end - 2], b""
        if kind == b"\0\1":
            found = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" + socket.inet_aton(address)
        head = asked[:2] + b"\x81\x80\0\1" + (b"\0\1" if found else b"\0\0") + b"\0\0\0\0"
        one.sendto(head + asked[12:end] + found, who)
"""


def main(step: str, name: str = "store", old: str = "", new: str = "") -> None:
    """`away`: the old address is not there any more, and the resolver is another one that does not answer yet.

    `by_resolver`: that one now knows the new address. `by_hosts`: the old resolver again, and the new address in
    /etc/hosts. `home`: all as it was.
    """
    if step == "away":
        KEPT.mkdir(mode=0o700)
        for file in (HOSTS, RESOLVER):
            (KEPT / file.name).write_text(file.read_text())
        _run("ip", "route", "add", "blackhole", f"{old}/32")
        _write(HOSTS, _without(name))
        _write(RESOLVER, f"nameserver {NAME_SERVER}\n")
    elif step == "by_resolver":
        command = ["/usr/bin/python3", "-I", "-c", SERVER, NAME_SERVER, new]
        _run("systemd-run", "--quiet", "--collect", f"--unit={NAMES}", *command)
    elif step == "by_hosts":
        _run("systemctl", "stop", NAMES)
        _write(RESOLVER, (KEPT / RESOLVER.name).read_text())
        _write(HOSTS, f"{_without(name)}{new} {name}\n")
    elif step == "home" and KEPT.is_dir():
        subprocess.run(["systemctl", "stop", NAMES], capture_output=True)
        subprocess.run(["ip", "route", "del", "blackhole", f"{old}/32"], capture_output=True)
        for file in (HOSTS, RESOLVER):
            _write(file, (KEPT / file.name).read_text())
            (KEPT / file.name).unlink()
        KEPT.rmdir()


def _without(name: str) -> str:
    lines = (KEPT / HOSTS.name).read_text().splitlines(True)
    return "".join(line for line in lines if name not in line.split()[1:])


def _write(file: Path, text: str) -> None:
    """In place: in the lab's hosts these files are mounts."""
    file.write_text(text)


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, text=True)
