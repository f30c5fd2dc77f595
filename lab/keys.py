"""Ssh for one lab: the key one logs in with, each host's own key, known hosts and configuration."""

from pathlib import Path

from lab import paths
from lab.labs import Lab
from lab.run import run

USER = "deploy"


def make(lab: Lab) -> None:
    """Make the lab's keys and write its ssh configuration."""
    folder = paths.state(lab.name)
    _key(login_key(lab), f"seclyzer lab {lab.name}")
    for host in lab.hosts:
        _key(host_key(lab, host.name), f"{host.name} of lab {lab.name}")
    (folder / "known_hosts").write_text(
        "".join(f"{host.address},{host.name} {_public(host_key(lab, host.name))}" for host in lab.hosts)
    )
    (folder / "ssh_config").write_text("".join(_stanza(lab, host.name, str(host.address)) for host in lab.hosts))


def login_key(lab: Lab) -> Path:
    """The private key for the user `deploy`."""
    return paths.state(lab.name) / "ssh_key"


def host_key(lab: Lab, host: str) -> Path:
    """The private key by which a host proves that it is itself."""
    return paths.state(lab.name) / f"host_key_{host}"


def public(lab: Lab) -> str:
    """The line for authorized_keys."""
    return _public(login_key(lab))


def ssh(lab: Lab, host: str, *options: str) -> list[str]:
    """The ssh command to a host."""
    return ["ssh", "-F", str(paths.state(lab.name) / "ssh_config"), *options, host]


def _key(path: Path, comment: str) -> None:
    path.unlink(missing_ok=True)
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)])


def _public(path: Path) -> str:
    return path.with_name(path.name + ".pub").read_text()


def _stanza(lab: Lab, name: str, address: str) -> str:
    folder = paths.state(lab.name)
    return (
        f"Host {name}\n"
        f"    HostName {address}\n"
        f"    HostKeyAlias {name}\n"
        f"    User {USER}\n"
        f'    IdentityFile "{login_key(lab)}"\n'
        f"    IdentitiesOnly yes\n"
        f'    UserKnownHostsFile "{folder / "known_hosts"}"\n'
        f"    StrictHostKeyChecking yes\n"
        f"    ConnectTimeout 5\n"
        f"    LogLevel ERROR\n\n"
    )
