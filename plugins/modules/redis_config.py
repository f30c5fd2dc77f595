#!/usr/bin/python
"""Keep Redis' configuration and its unit's drop-in, live where Redis can."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import credentials, existing, files, found
from ..module_utils.layout import Layout, Refused
from ..module_utils.redis_server import settings, trial
from ..module_utils.resp import Redis, RedisAway, RedisError

DOCUMENTATION = r"""
module: redis_config
short_description: Keep Redis' configuration and its unit's drop-in, live where Redis can
version_added: "0.1.0"
description:
  - Writes a configuration file and a systemd drop-in, and reports whether a restart is needed for them.
  - A configuration is tried by a throw-away server first. One that the installed Redis refuses changes nothing.
  - What the throw-away server has in force is held against the running server, and every difference is set by
    C(CONFIG SET). So a setting that was changed by hand is repaired as well, and Redis keeps its data.
  - A restart is requested only when Redis cannot take a setting live, when it cannot be logged in to, when the
    process was started under another drop-in than the one on disk, or when the unit is between two attempts to start.
  - The files' folders must be writable by root alone; others are refused.
  - On a host where Redis is not installed yet the files are written, so that the first start already uses them.
options:
  content:
    description: The configuration file's text.
    type: str
    required: true
  path:
    description: Where the configuration stands. It holds no secret and anyone may read it.
    type: path
    default: /etc/seclyzer/redis/redis.conf
  replaces:
    description: Files that an older version kept. They are not touched here; RV(stale) names those that are there.
    type: list
    elements: path
    default: []
  dropin:
    description: The drop-in's text. A line is added that marks which drop-in a process was started under.
    type: str
    required: true
  unit:
    description: The systemd unit, without its suffix.
    type: str
    default: redis-server
  existing:
    description: >-
      What becomes of a Redis that SecLyzer did not install, which is a unit without this drop-in. With C(refuse) it is
      left alone and the run refused, with C(adopt) it is taken over, with C(beside) it is left alone, and O(dropin) is
      the whole unit of another.
    type: str
    choices: [refuse, adopt, beside]
    default: refuse
  package_unit:
    description: The unit that Redis' package brings, without its suffix.
    type: str
    default: redis-server
  server:
    description: Redis' program.
    type: path
    default: /usr/bin/redis-server
  password_file:
    description: File with the password of the ACL user C(admin).
    type: path
    default: /etc/seclyzer/credentials/redis-admin
author:
  - The SecLyzer maintainers (@seclyzer)
"""

EXAMPLES = r"""
- name: Say how Redis is to run
  seclyzer.edge.redis_config:
    content: "{{ lookup('seclyzer.edge.texts', 'seclyzer.conf.j2') }}"
    dropin: "{{ lookup('seclyzer.edge.texts', 'dropin.conf.j2') }}"
  register: __redis_config
  notify: Restart Redis
"""

RETURN = r"""
installed:
  description: Whether Redis' program is on the host.
  type: bool
  returned: always
live:
  description: Names of the settings that were set in the running server.
  type: list
  elements: str
  returned: always
restart:
  description: Why Redis has to be restarted; empty when it need not.
  type: list
  elements: str
  returned: always
stale:
  description: Which files of O(replaces) are still there. They can go once Redis has been restarted.
  type: list
  elements: str
  returned: always
port:
  description: The TCP port that Redis has under this configuration; 0 for none.
  type: int
  returned: always
steady:
  description: Whether the unit is active and enabled, and systemd knows its files as they are.
  type: bool
  returned: always
daemon_reload:
  description: Whether systemd has to read its units again.
  type: bool
  returned: always
"""

UNITS = Path("/etc/systemd/system")
MARK = "SECLYZER_DROPIN"
# The throw-away server has its own values of these; the file's are meant.
OWN = ("aclfile", "dir", "logfile", "port", "unixsocket", "unixsocketperm")
# These differ between two processes without meaning anything.
IDLE = ("daemonize", "locale-collate", "pidfile", "supervised")


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "content": {"type": "str", "required": True},
            "path": {"type": "path", "default": "/etc/seclyzer/redis/redis.conf"},
            "replaces": {"type": "list", "elements": "path", "default": []},
            "dropin": {"type": "str", "required": True},
            "unit": {"type": "str", "default": "redis-server"},
            "existing": {"type": "str", "choices": ["refuse", "adopt", "beside"], "default": "refuse"},
            "package_unit": {"type": "str", "default": "redis-server"},
            "server": {"type": "path", "default": "/usr/bin/redis-server"},
            "password_file": {"type": "path", "default": "/etc/seclyzer/credentials/redis-admin", "no_log": False},
        },
        supports_check_mode=True,
    )
    options = module.params
    content, dropin, mark = _line(options["content"]), _line(options["dropin"]), fingerprint(options["dropin"])
    dropin += f'Environment="{MARK}={mark}"\n'
    file = ".service" if options["existing"] == existing.BESIDE else ".service.d/seclyzer.conf"
    texts = {Path(options["path"]): content, UNITS / f"{options['unit']}{file}": dropin}

    if wrong := existing.redis_faults(Layout(), f"{options['package_unit']}.service", options["existing"]):
        module.fail_json(msg=f"{'; '.join(wrong)}. Nothing was changed.")
    installed = Path(options["server"]).exists()
    try:
        in_force = tried(options["server"], content) if installed else {}
    except (Refused, RedisAway, RedisError) as error:
        module.fail_json(msg=f"Redis refuses this configuration, so nothing was changed: {error}")
    try:
        _note(f"{options['package_unit']}.service", options["existing"] == existing.BESIDE, dry=module.check_mode)
        before = {path: files.read_own(path) or "" for path in texts}
        written = [path for path, text in texts.items() if _keep(path, text, dry=module.check_mode)]
    except Refused as error:
        module.fail_json(msg=str(error))

    unit = _unit(options["unit"])
    live: list[str] = []
    restart: list[str] = []
    if unit.get("ActiveState") == "active" and installed:
        live, restart = apply(in_force, Path(options["password_file"]), dry=module.check_mode)
        if _mark_of(unit["MainPID"]) != mark:
            restart.append("it was started under another drop-in")
    elif unit.get("ActiveState") == "activating":
        restart.append("it waits to be started again")
    stale = [str(path) for path in map(Path, options["replaces"]) if files.status(path)]
    daemon_reload = unit.get("NeedDaemonReload") == "yes" or any(UNITS in path.parents for path in written)
    module.exit_json(
        changed=bool(written or live or restart or stale or daemon_reload),
        installed=installed,
        live=live,
        restart=restart,
        stale=stale,
        port=int(directives(content).get("port", "6379")),
        daemon_reload=daemon_reload,
        steady=unit.get("ActiveState") == "active" and unit.get("UnitFileState") == "enabled" and not daemon_reload,
        diff=[
            {"before_header": str(path), "after_header": str(path), "before": before[path], "after": texts[path]}
            for path in texts
            if before[path] != texts[path]
        ],
    )


def _note(unit: str, beside: bool, *, dry: bool) -> None:
    """Writes down how the package's unit is before it is changed; beside another's it is masked when there is none."""
    changes = not beside or found.note(Layout(), units=[unit], dry=True).units[unit]["load"] == "not-found"
    found.note(Layout(), units=[unit] if changes else [], dry=dry)


def fingerprint(dropin: str) -> str:
    """Names what a drop-in says; comments and empty lines do not count."""
    lines = [line.strip() for line in dropin.splitlines()]
    kept = [line for line in lines if line and not line.startswith(("#", ";"))]
    return hashlib.sha256("\n".join(kept).encode()).hexdigest()[:16]


def directives(content: str) -> dict[str, str]:
    """The directives of a configuration file, the last one of a name counting."""
    found = {}
    for line in content.splitlines():
        name, _, value = line.strip().partition(" ")
        if name and not name.startswith("#"):
            found[name.lower()] = value.strip().strip('"')
    return found


def differing(in_force: dict[str, str], running: dict[str, str]) -> dict[str, str]:
    """The settings that ought to be in force and are not, with the value each ought to have."""
    return {
        name: value
        for name, value in in_force.items()
        if name not in IDLE and name in running and running[name] != value
    }  # fmt: skip


def tried(server: str, content: str) -> dict[str, str]:
    """What the installed Redis would have in force under this configuration."""
    with trial(server, config=content) as socket, Redis(socket) as redis:
        in_force = settings(redis)
    meant = {name: value for name, value in directives(content).items() if name in OWN}
    return {name: value for name, value in in_force.items() if name not in OWN} | meant


def apply(in_force: dict[str, str], password_file: Path, *, dry: bool) -> tuple[list[str], list[str]]:
    """Set what differs in the running server; returns what was set and why a restart is needed."""
    live, restart = [], []
    try:
        with Redis(in_force.get("unixsocket", ""), "admin", credentials.read_secret(password_file) or "") as redis:
            for name, value in sorted(differing(in_force, settings(redis)).items()):
                try:
                    if not dry:
                        redis.call("CONFIG", "SET", name, value)
                    live.append(name)
                except RedisError:
                    restart.append(f"Redis cannot take {name} while it runs")
    except (RedisAway, RedisError) as error:
        restart.append(f"the running Redis refuses the login as admin ({error})")
    return live, restart


STATE = ("ActiveState", "MainPID", "NeedDaemonReload", "UnitFileState")


def _unit(unit: str) -> dict[str, str]:
    """How systemd says that a unit stands; nothing on a host where the unit is unknown."""
    command = ["systemctl", "show", f"{unit}.service", f"--property={','.join(STATE)}"]
    output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return dict(line.split("=", 1) for line in output.splitlines() if "=" in line)


def _mark_of(pid: str) -> str:
    """The mark of the drop-in that a process was started under, or nothing."""
    environment = files.read(Path("/proc", pid, "environ")) or ""
    return dict(item.split("=", 1) for item in environment.split("\0") if "=" in item).get(MARK, "")


def _keep(path: Path, text: str, *, dry: bool) -> bool:
    opened = credentials.keep_folder(path.parent, 0o755, dry=dry)
    return credentials.keep(path, text, 0o644, dry=dry) or opened


def _line(text: str) -> str:
    return text.rstrip("\n") + "\n"


if __name__ == "__main__":
    main()
