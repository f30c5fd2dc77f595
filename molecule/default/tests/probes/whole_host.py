"""A whole host as a value: its files with owner, mode and hash, its users, groups, packages, units and ports.

What programs write for themselves is left out: logs, caches, lists of packages, and what is new at each start.
"""

import grp
import hashlib
import os
import pwd
import stat
import subprocess
from collections.abc import Iterator

SKIPPED = (
    "/dev",
    "/proc",
    "/sys",
    "/tmp",
    "/var/tmp",
    "/var/log",
    "/var/cache",
    "/var/lib/apt",
    "/var/lib/dpkg",
    "/var/lib/systemd/timers",
    "/var/lib/systemd/random-seed",
    "/run/systemd",
    "/run/udev",
    "/run/user",
    "/run/log",
    "/run/lock",
    "/run/credentials",
    "/run/sshd",
    "/run/dbus",
    "/run/utmp",
    "/run/adduser",  # a lock
    "/root/.ansible",
    "/home/deploy/.ansible",
    "/etc/ld.so.cache",
    # What `useradd` and its kin leave of the file before.
    "/etc/passwd-",
    "/etc/group-",
    "/etc/shadow-",
    "/etc/gshadow-",
    "/etc/subuid-",
    "/etc/subgid-",
)
UNITS = ["list-unit-files", "--no-legend", "--no-pager", "--plain"]
RUNNING = ["list-units", "--no-legend", "--no-pager", "--plain", "--type=service,socket,timer", "--state=active"]


def main() -> dict[str, object]:
    """The value; each part a table, so that a comparison names what differs."""
    return {
        "files": dict(files("/")),
        "users": {user.pw_name: [user.pw_gid, user.pw_dir, user.pw_shell] for user in pwd.getpwall()},
        "groups": {group.gr_name: sorted(group.gr_mem) for group in grp.getgrall()},
        "packages": rows("dpkg-query", "--show", "--showformat=${Package} ${db:Status-Abbrev}\n"),
        "manual": {name: "" for name in lines("apt-mark", "showmanual")},
        "unit files": rows("systemctl", *UNITS),
        "running": {line.split()[0]: "" for line in lines("systemctl", *RUNNING) if kept(line.split()[0])},
        "ports": {line.split()[3]: line.split()[0] for line in lines("ss", "--no-header", "-ltun")},
    }


def kept(unit: str) -> bool:
    """Whether a unit is no session, which comes and goes with who looks."""
    return not unit.startswith(("user@", "user-runtime-dir@", "ssh@")) and not unit.startswith("run-")


def files(top: str) -> Iterator[tuple[str, list[object]]]:
    """Each path with its kind, mode, owner, group and content."""
    for folder, names, plain in os.walk(top):
        names[:] = [name for name in names if os.path.join(folder, name) not in SKIPPED]
        for name in [*names, *plain]:
            path = os.path.join(folder, name)
            if path in SKIPPED or name == "__pycache__" or name.endswith((".pyc", ".pid")):
                continue
            try:
                found = os.lstat(path)
                yield path, [stat.filemode(found.st_mode), found.st_uid, found.st_gid, content(path, found)]
            except FileNotFoundError:
                continue
        names[:] = [name for name in names if name != "__pycache__"]


def content(path: str, found: os.stat_result) -> str:
    """The hash of a file, where a link leads; of a file of the distribution its size."""
    if stat.S_ISLNK(found.st_mode):
        return os.readlink(path)
    if not stat.S_ISREG(found.st_mode):
        return ""
    if path.startswith("/usr/") and not path.startswith("/usr/local/"):
        return str(found.st_size)  # of packages, which are compared by name
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def rows(*words: str) -> dict[str, str]:
    """The first word of each line, and the rest of it."""
    return {line.split()[0]: " ".join(line.split()[1:2]) for line in lines(*words)}


def lines(*words: str) -> list[str]:
    """What a program prints."""
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if line.strip()]
