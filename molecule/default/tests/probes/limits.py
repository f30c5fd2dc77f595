"""Takes too much inside a service's control group, to see whether its limit bites."""

import os
import signal
import time
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

from probes.cgroup import Group, group_of

PAGE = 4096
MIB = 1 << 20


def main(kind: str, pid: int, limit: float) -> dict[str, Any]:
    """What came of a greedy process beside the service's main process `pid`.

    memory: `limit` in bytes; {"signal": what ended it, "took": bytes it had touched, "bites"}
    pids:   `limit` in tasks; {"forked": how many it could make, "refused": whether it was stopped, "bites"}
    cpu:    `limit` in cores; {"share": cores used on average, "cores": what the kernel allows, "bites"}
    `bites` is by how much the kernel's own count of hits of this limit grew.
    """
    group = group_of(pid, kind)
    before = group.bites()
    found = {"memory": _memory, "pids": _pids, "cpu": _cpu}[kind](group, limit)
    return found | {"bites": group.bites() - before if group.folder.exists() else None, "version": group.version}


def _memory(group: Group, limit: float) -> dict[str, Any]:
    reading, writing = os.pipe()

    def eat() -> None:
        Path("/proc/self/oom_score_adj").write_text("1000")  # this one, not the service
        taken = []
        for n in range(int(limit / MIB) + 64):
            block = bytearray(MIB)
            for at in range(0, MIB, PAGE):
                block[at] = 1  # an untouched page is no memory
            taken.append(block)
            os.write(writing, (n + 1).to_bytes(4, "big"))

    status = _wait(_child(group, eat))
    os.close(writing)
    reported = b""
    while chunk := os.read(reading, 1 << 16):
        reported += chunk
    took = int.from_bytes(reported[-4:], "big") * MIB if reported else 0
    return {"signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0, "took": took}


def _pids(group: Group, limit: float) -> dict[str, Any]:
    reading, writing = os.pipe()

    def breed() -> None:
        children: list[int] = []
        refused = False
        try:
            while len(children) < limit + 10:
                child = os.fork()
                if child == 0:
                    signal.pause()
                children.append(child)
        except BlockingIOError:
            refused = True
        finally:
            for child in children:
                os.kill(child, signal.SIGKILL)
            for child in children:
                os.waitpid(child, 0)
        os.write(writing, f"{len(children)} {int(refused)}".encode())

    _wait(_child(group, breed))
    os.close(writing)
    forked, refused = os.read(reading, 100).split()
    return {"forked": int(forked), "refused": refused == b"1"}


def _cpu(group: Group, limit: float) -> dict[str, Any]:
    """Rounds of ten of the kernel's periods until the limit bites: a round may begin with what is left of one.

    Where a busy machine does not even give the group as much as it may have, nothing can bite: then the kernel's number
    is made smaller for one round, to see that it holds the group to its number.
    """
    before, cores, share = group.bites(), group.cores(), 0.0
    seconds = 10 * group.period()
    for _ in range(4):
        share = _round(group, int(limit) + 2, seconds)
        if group.bites() > before:
            break
    else:
        if cores < inf:
            group.allow(share / 4)
            _round(group, int(limit) + 2, seconds)
            group.allow(cores)
    return {"share": share, "cores": cores}


def _round(group: Group, spinners: int, seconds: float) -> float:
    def spin() -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            pass

    start = time.monotonic()
    used = 0.0
    for child in [_child(group, spin) for _ in range(spinners)]:
        _, _, usage = os.wait4(child, 0)
        used += usage.ru_utime + usage.ru_stime
    return used / (time.monotonic() - start)


def _child(group: Group, work: Callable[[], None]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        group.join()
        work()
    finally:
        os._exit(0)


def _wait(child: int) -> int:
    return os.waitpid(child, 0)[1]
