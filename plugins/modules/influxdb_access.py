#!/usr/bin/python
"""Keeps what a host needs to write to InfluxDB: the CA to trust and a token."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import credentials, expiry
from ..module_utils.gateway_credentials import host_tag
from ..module_utils.influxdb_api import CA, PAUSE_SECONDS, PLACE, Answer, Away, InfluxDB, keep_ca, read_ca
from ..module_utils.layout import Refused

DOCUMENTATION = r"""
module: influxdb_access
short_description: Keep what a host needs to write to InfluxDB
version_added: "0.1.0"
description:
  - Asks the gateway before InfluxDB, by writing nothing, whether it knows the host's token, and for which host that
    token is. Puts the CA to trust on the host.
  - With a token, writes it to its file once the gateway has accepted it.
  - A gateway that does not answer is an error, unless the host has a token and I(spare) allows to keep it unproven.
  - The token is never part of a result or diff.
extends_documentation_fragment: [seclyzer.edge.influxdb, seclyzer.edge.influxdb.ca]
options:
  token:
    description: A new token.
    type: str
    default: ""
  spare:
    description: Whether a token that the host has will do while the gateway does not answer.
    type: bool
    default: false
  days:
    description: Certificates of server and O(ca_remote) that expire within so many days are reported; 0 for none.
    type: int
    default: 0
  token_file:
    description: File with the host's token.
    type: path
    default: /etc/seclyzer/credentials/influx-write-token
"""

EXAMPLES = r"""
- name: Ask whether InfluxDB knows this host's token
  seclyzer.edge.influxdb_access:
    url: https://store:8086
    ca_remote: /etc/ssl/site-ca.crt
  register: __access
"""

RETURN = r"""
token_state:
  description:
    - C(good), C(missing) when there is none, C(refused) when the gateway does not know it or it may not write to the
      bucket, C(renamed) when it is for another host than this one calls itself now, C(kept) when the gateway does not
      answer and the host's token is left as it is, C(unknown) in check mode, in which the token is sent to no other
      host.
  type: str
  returned: always
away:
  description: With C(kept), a sentence that reports it; empty otherwise.
  type: str
  returned: always
notes:
  description: Which certificates soon expire, and what to do, a sentence each.
  type: list
  elements: str
  returned: always
host:
  description: What the extractors here report as the tag C(host); points of that host are what the token is for.
  type: str
  returned: always
"""


LEARN_SECONDS = 5.0


@dataclass(frozen=True)
class Access:
    """A host's way to a bucket. `dry` looks and changes nothing."""

    influxdb: InfluxDB
    org: str
    bucket: str
    token_file: Path
    host: str
    dry: bool
    spare: bool = False

    def look(self) -> tuple[bool, str]:
        """Whether the token's file had to be mended, and the token's state."""
        token = credentials.read_secret(self.token_file)
        mended = self.dry if token is None else credentials.keep_secret(self.token_file, token, dry=self.dry)
        try:
            answer = self._ask(token or "none")
        except Away as error:
            if self.dry:
                return mended, "missing" if token is None else "unknown"
            if token is not None and self.spare:
                return mended, "kept"
            raise self._unreachable(error) from error
        if token is None:
            return mended, "missing"
        if answer.status != 204:
            return mended, "refused"
        return mended, "good" if answer.host == self.host else "renamed"

    def take(self, token: str) -> tuple[bool, str]:
        """Write a new token to its file, once the gateway has accepted it, which learns of it within a second.

        In check mode the token is sent nowhere, so its state is unknown.
        """
        if self.dry:
            return credentials.keep_secret(self.token_file, token, dry=True), "unknown"
        until = time.monotonic() + LEARN_SECONDS
        try:
            while (answer := self._ask(token)).status == 401 and time.monotonic() < until:
                time.sleep(PAUSE_SECONDS)
        except Away as error:
            raise self._unreachable(error) from error
        if answer.status != 204:
            raise Refused(f"{self.influxdb.url} answers {answer.status} to the token that this host was given")
        credentials.keep_folder(self.token_file.parent, 0o711, dry=self.dry)
        return credentials.keep_secret(self.token_file, token, dry=self.dry), "good"

    def _ask(self, token: str) -> Answer:
        answer = self.influxdb.writes_nothing(token, self.org, self.bucket)
        if answer.status >= 500 or answer.status == 429:
            raise Away(f"it answers {answer.status}")
        return answer

    def _unreachable(self, error: Away) -> Refused:
        return Refused(f"InfluxDB at {self.influxdb.url} does not answer this host: {error}")


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **PLACE,
            **CA,
            "token": {"type": "str", "default": "", "no_log": True},
            "spare": {"type": "bool", "default": False},
            "days": {"type": "int", "default": 0},
            "token_file": {
                "type": "path",
                "default": "/etc/seclyzer/credentials/influx-write-token",
                "no_log": False,
            },
        },
        supports_check_mode=True,
    )
    options, dry = module.params, module.check_mode
    host = host_tag(socket.gethostname())
    try:
        ca = read_ca(options["ca_content"], options["ca_remote"])
        influxdb = InfluxDB(options["url"], ca, dry)
        access = Access(
            influxdb, options["org"], options["bucket"], Path(options["token_file"]), host, dry, options["spare"]
        )
        changed, state = access.take(options["token"]) if options["token"] else access.look()
        if state != "kept":  # the old one stays until the new one has proved good
            changed |= keep_ca(Path(options["ca_path"]), ca, dry=dry)
        notes = _ending(influxdb, options, ca) if options["days"] else []
    except Refused as error:
        module.fail_json(msg=str(error))
    away = f"the store at {options['url']} is away, and the token that the host has was kept" if state == "kept" else ""
    module.exit_json(changed=changed, token_state=state, away=away, host=host, notes=notes)


def _ending(influxdb: InfluxDB, options: dict[str, Any], ca: str) -> list[str]:
    """What soon expires: the server's certificate as it shows it, and the CA that lies on this host."""
    found: list[str] = []
    if der := influxdb.certificate():
        found += expiry.ending_der(der, f"the certificate of {influxdb.url}", expiry.OUTSIDE, options["days"])
    if options["ca_remote"] and not options["ca_content"]:
        what = f"influxdb_ca_remote {options['ca_remote']}"
        found += expiry.ending(ca.encode(), what, expiry.OF_CA, options["days"])
    return found


if __name__ == "__main__":
    main()
