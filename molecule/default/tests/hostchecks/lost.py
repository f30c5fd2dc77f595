"""A controller that loses a host in the middle of a run: every ssh session there is ended at a moment of its trial."""

import json

from hostchecks import trial
from hostchecks.host import Host, packed, run_beside
from hostchecks.polling import poll

UNIT = "cut-ssh.service"
FOLDER = "/root/cut-ssh"
SEEN = f"{FOLDER}/seen"


def cut_ssh(host: Host, moment: str) -> None:
    """From now on the host waits for its next trial, and ends its ssh sessions once: in the `switch` or the `trial`."""
    host.run("systemctl stop %s; systemctl reset-failed %s; rm -rf %s", UNIT, UNIT, FOLDER)
    began = float(trial.of(host).get("began", 0.0))
    run_beside(host, UNIT, FOLDER, packed("cut_ssh", last=began, moment=moment, seen=SEEN))


def cut_in(host: Host) -> str:
    """When the sessions were ended: in the `switch`, or in the `trial` once all was switched; empty when none was."""
    text = poll(lambda: host.run("cat %s", SEEN).stdout, bool, 30)
    found = json.loads(text or '{"ended": 0}')
    if not found["ended"]:
        return ""
    return "trial" if found["switched"] else "switch"
