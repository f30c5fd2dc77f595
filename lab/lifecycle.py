"""The lifecycle of a lab: up, down, status."""

import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from lab import hosts, image, keys, paths, pki, requirements
from lab.labs import RELEASES, Host, Lab
from lab.lock import locked
from lab.podman import containers, podman, succeeds
from lab.say import LabError, say, step

Result = TypeVar("Result")


def up(lab: Lab) -> None:
    """Bring a lab up; one that runs is only looked at, one that was stopped goes on."""
    requirements.check(space=False)
    with locked(lab.name):
        found = containers(lab.name)
        foreign = {root for container in found.values() if (root := _root(container)) != str(paths.ROOT)}
        _refuse_foreign(lab, foreign, found)
        if not foreign and _complete(lab, set(found)):
            _go_on(lab, found)
        else:
            _refuse_changed(lab, foreign, found)
            _make(lab, sorted(found))


def down(lab: Lab) -> None:
    """Remove everything `up` made: hosts, network, and the lab's folder."""
    requirements.check(space=False)
    with locked(lab.name), step(f"{lab.name}: hosts, network and .lab/{lab.name} removed"):
        _clear(lab, sorted(containers(lab.name)))


def status(lab: Lab) -> list[tuple[str, ...]]:
    """One row a host: lab, name, address, Debian, and what systemd reports."""
    found = {name: str(container["State"]) for name, container in containers(lab.name).items()}

    def row(host: Host) -> tuple[str, ...]:
        stands = found.get(host.container, "absent")
        if stands == "running":
            stands = hosts.state(lab, host)
        return (lab.name, host.name, str(host.address), RELEASES[host.release], stands)

    with ThreadPoolExecutor() as pool:
        return list(pool.map(row, lab.hosts))


def _root(container: dict[str, Any]) -> str:
    return str(container["Labels"].get("seclyzer.root"))


def _refuse_foreign(lab: Lab, foreign: set[str], found: dict[str, dict[str, Any]]) -> None:
    """Another checkout's running hosts are its own; dead ones (the machine was restarted) give way."""
    running = {_root(container) for container in found.values() if container["State"] == "running"}
    if foreign & running:
        raise LabError(
            f"lab {lab.name} belongs to another checkout ({', '.join(sorted(foreign))}), which has its keys: "
            f"use it from there, or type `python3 -m lab down --lab {lab.name}` first"
        )


def _refuse_changed(lab: Lab, foreign: set[str], found: dict[str, dict[str, Any]]) -> None:
    """Hosts that run are not made anew because the table of labs has another host since, or lost one."""
    runs = sorted(name for name, container in found.items() if container["State"] == "running")
    if runs and not foreign and (paths.fixed(lab.name) / "ready").exists():
        table = {host.container for host in lab.hosts}
        changes = [f"without {name}" for name in sorted(table - set(found))]
        changes += [f"with {name}, which labs.toml does not have" for name in sorted(set(found) - table)]
        raise LabError(
            f"lab {lab.name} runs {' and '.join(changes)}: `python3 -m lab down --lab {lab.name}`, then `up`, makes "
            "all hosts anew, and what is on them is gone"
        )


def _complete(lab: Lab, found: set[str]) -> bool:
    return found == {host.container for host in lab.hosts} and (paths.fixed(lab.name) / "ready").exists()


def _go_on(lab: Lab, found: dict[str, dict[str, Any]]) -> None:
    stopped = [host for host in lab.hosts if found[host.container]["State"] != "running"]
    if stopped:
        with step(f"{lab.name}: start {', '.join(host.name for host in stopped)}"):
            _each(stopped, hosts.start)
    with step(f"{lab.name}: is up"):
        stand = _each(lab.hosts, lambda host: hosts.wait(lab, host))
    for host, seen in zip(lab.hosts, stand, strict=True):
        if seen != "running":
            say(f"  note: {host.name} is {seen}")
        if found[host.container]["Image"] != image.tag(host.release):
            say(f"  note: {host.name} was made from an older recipe: `down`, then `up`, makes it anew")


def _make(lab: Lab, rest: list[str]) -> None:
    requirements.check()
    with locked("images"):
        image.ensure(image.releases(lab))
    if rest or _left_over(lab):
        with step(f"{lab.name}: clear what an unfinished `up` left"):
            _clear(lab, rest)
    with step(f"{lab.name}: ssh keys and certificate authority in .lab/{lab.name}"):
        paths.state(lab.name).mkdir(parents=True, mode=0o700)
        keys.make(lab)
        pki.make(lab)
        paths.fixed(lab.name).parent.mkdir(parents=True, exist_ok=True)
        paths.fixed(lab.name).symlink_to(paths.state(lab.name))
    with step(f"{lab.name}: network {lab.network} {lab.subnet}"):
        podman("network", "create", f"--subnet={lab.subnet}", f"--label=seclyzer.lab={lab.name}", lab.network)
    with step(f"{lab.name}: create {', '.join(host.name for host in lab.hosts)}"):
        _each(lab.hosts, lambda host: hosts.create(lab, host))
    with step(f"{lab.name}: start them"):
        _each(lab.hosts, hosts.start)
    with step(f"{lab.name}: systemd is running and ssh answers on all"):
        stand = _each(lab.hosts, lambda host: hosts.wait(lab, host))
        if set(stand) != {"running"}:
            raise LabError("; ".join(f"{h.name} is {seen}" for h, seen in zip(lab.hosts, stand, strict=True)))
    (paths.state(lab.name) / "ready").touch()
    say(f"lab {lab.name} is up: `python3 -m lab ssh edge1 --lab {lab.name}`, inventory {lab.inventory}")


def _left_over(lab: Lab) -> bool:
    """What an unfinished `up`, or another checkout that is gone, may have left beside hosts."""
    return (
        paths.state(lab.name).exists()
        or paths.fixed(lab.name).is_symlink()
        or succeeds("network", "exists", lab.network)
    )


def _clear(lab: Lab, rest: list[str]) -> None:
    hosts.remove(rest)
    if succeeds("network", "exists", lab.network):
        podman("network", "rm", "--force", lab.network)
    paths.fixed(lab.name).unlink(missing_ok=True)
    shutil.rmtree(paths.state(lab.name), ignore_errors=True)
    for parent in (paths.state(lab.name).parent, paths.fixed(lab.name).parent):
        if parent.is_dir() and not any(parent.iterdir()):
            parent.rmdir()


def _each(these: Sequence[Host], work: Callable[[Host], Result]) -> list[Result]:
    with ThreadPoolExecutor() as pool:
        return list(pool.map(work, these))
