"""Removal of SecLyzer from hosts as people type it, and what is different on a host afterwards."""

from typing import Any

from hostchecks.host import Host, name, run_on
from hostchecks.lab import hosts
from hostchecks.polling import poll
from hostchecks.rollout import LONGEST, Run, started

Whole = dict[str, dict[str, Any]]

REDIS_OF_ANOTHER = """
apt-get -qq install redis-server >/dev/null 2>&1 ||
  { apt-get -qq update && apt-get -qq install redis-server; } >/dev/null
sed -i 's/^# maxmemory <bytes>/maxmemory 77mb/' /etc/redis/redis.conf
systemctl restart redis-server
redis-cli set theirs value
redis-cli save
cat > /etc/systemd/system/theirs.service <<'END'
[Unit]
StartLimitIntervalSec=0
[Service]
ExecStart=/usr/bin/redis-cli subscribe theirs
Restart=always
RestartSec=1
[Install]
WantedBy=multi-user.target
END
systemctl enable --now theirs
"""
OLDER = """
printf '#!/usr/bin/python3\\nimport time\\nwhile True: time.sleep(1)\\n' > /usr/local/bin/keystroke_extractor
chmod 755 /usr/local/bin/keystroke_extractor
cat > /etc/systemd/system/seclyzer-extractors@.service <<'END'
[Service]
ExecStart=/usr/local/bin/keystroke_extractor
[Install]
WantedBy=multi-user.target
END
systemctl daemon-reload
systemctl enable --now seclyzer-extractors@keystroke
systemctl enable seclyzer-extractors@mouse
mkdir /etc/seclyzer && echo theirs > /etc/seclyzer/config.toml
"""
KILLER = r"""
import glob, os, sys, time
end = time.monotonic() + 120
while os.path.exists(sys.argv[1]) and time.monotonic() < end:
    time.sleep(0.005)
for path in glob.glob("/proc/[0-9]*/cmdline"):
    with open(path) as stream:
        if stream.read() == "/usr/bin/python3\0":  # as Ansible runs a module that it pipes
            os.kill(int(path.split("/")[2]), 9)
"""


def remove(*typed: str) -> Run:
    """Runs remove.yml on the lab's inventory."""
    with started("playbooks/remove.yml", *typed) as run:
        return run.ended(LONGEST)


def whole(host: Host) -> Whole:
    """All of a host, to be compared, once what another has there is up."""
    up = "systemctl list-units --state=activating --no-legend"
    poll(lambda: host.check_output(up), lambda text: not text.strip(), 30)
    found: Whole = run_on(host, "whole_host")
    return found


def differences(before: Whole, after: Whole) -> dict[str, list[str]]:
    """What differs, by part."""
    found = {
        part: sorted(key for key in {*before[part], *after[part]} if before[part].get(key) != after[part].get(key))
        for part in before
    }
    return {part: keys for part, keys in found.items() if keys}


def named(group: str, host: str) -> Host:
    """One host of the lab."""
    (found,) = [one for one in hosts(group) if name(one) == host]
    return found


def kill_once_gone(host: Host, path: str) -> None:
    """Ends a removal, as a power cut would, in the moment in which this path is gone."""
    host.check_output("systemd-run --quiet --collect python3 -c %s %s", KILLER, path)
