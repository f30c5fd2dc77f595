#!/usr/bin/python
"""Makes the token by which the gateway before InfluxDB lets an edge write its own points."""

from __future__ import annotations

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import credentials, systemd
from ..module_utils.gateway import HOME, UNIT, Files
from ..module_utils.layout import Refused

DOCUMENTATION = r"""
module: influxdb_token
short_description: Make the token by which an edge writes its own points, or take it away
version_added: "0.1.0"
description:
  - Runs on the host of the gateway, and keeps the token's hash there. So this is for an edge that has none, whose token
    is lost, or that calls itself something else now. The edge's older token is good for nothing from then on, unless
    they overlap.
  - The gateway lets the token write points of O(host) and of the names that the edge had before, which its spool may
    still hold points of.
  - Refuses an edge that was revoked, and a host's name that another edge has.
  - With O(state=absent) the edge's credential is taken away and the gateway reloaded, which closes what the edge has
    open. The edge is not revoked, so that it may get another. A host without a gateway has none to take away.
  - The result holds the token. Run it with C(no_log).
author: The SecLyzer maintainers (@seclyzer)
options:
  name:
    description: The edge, as the inventory calls it.
    type: str
  names:
    description: With O(state=absent), several edges instead.
    type: list
    elements: str
    default: []
  state:
    description: Whether the edge is to have a credential.
    type: str
    choices: [present, absent]
    default: present
  host:
    description: What its extractors report as the tag C(host). O(state=present) needs it.
    type: str
  overlap:
    description: Whether the edge's older tokens stay valid beside the new one, until O(token) ends them.
    type: bool
    default: false
  token:
    description: A token that was made with O(overlap) and that the edge has. No older one is valid any more.
    type: str
    default: ""
  home:
    description: Folder of the gateway.
    type: path
    default: /etc/seclyzer/gateway
"""

EXAMPLES = r"""
- name: Make the edge's token
  seclyzer.edge.influxdb_token:
    name: edge1
    host: edge1
  register: __made
  delegate_to: store
  no_log: true
"""

RETURN = r"""
token:
  description: The token; empty in check mode.
  type: str
  returned: present
"""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str"},
            "names": {"type": "list", "elements": "str", "default": []},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "host": {"type": "str"},
            "overlap": {"type": "bool", "default": False},
            "token": {"type": "str", "default": "", "no_log": True},
            "home": {"type": "path", "default": HOME},
        },
        required_if=[("state", "present", ["name", "host"])],
        required_one_of=[("name", "names")],
        supports_check_mode=True,
    )
    options = module.params
    if options["state"] == "absent":
        try:
            names = [options["name"], *options["names"]]
            module.exit_json(changed=withdraw(Files(Path(options["home"]), module.check_mode), *names))
        except Refused as error:
            module.fail_json(msg=str(error))
    if module.check_mode:
        module.exit_json(changed=True, token="")
    token = options["token"] or credentials.new_secret()
    try:
        Files(Path(options["home"])).admit_edge(options["name"], options["host"], token, options["overlap"])
    except Refused as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=True, token=token)


def withdraw(kept: Files, *names: str) -> bool:
    """Take edges' credentials away and have the gateway close what they have open; False when none has any."""
    if not kept.withdraw(*names):
        return False
    if not kept.dry:
        systemd.systemctl("reload-or-restart", UNIT)
    return True


if __name__ == "__main__":
    main()
