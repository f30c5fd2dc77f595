#!/usr/bin/python
"""Whether clients will trust the store: its certificate and key, shown to a client on the spot."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import expiry, tls
from ..module_utils.influxdb_api import CA, read_ca
from ..module_utils.layout import Refused

DOCUMENTATION = r"""
module: influxdb_certificate
short_description: Judge a store's certificate as its clients will
version_added: "0.1.0"
description:
  - Shows O(certificate) to a client that trusts the CA and asks for the host of O(url), all in memory. The verdict is
    that of extractors, agent and modules, before anything has changed.
author: The SecLyzer maintainers (@seclyzer)
options:
  url:
    description: Where clients reach the store; its host is the name that the certificate has to be for.
    type: str
    required: true
  certificate:
    description: File on the host with the certificate, intermediate ones behind it.
    type: path
    required: true
  key:
    description: File on the host with its key.
    type: path
    required: true
  ca_content:
    description: Text of the CA.
    type: str
    default: ""
  ca_remote:
    description: File on the host with the CA.
    type: str
    default: ""
  days:
    description: A certificate that expires within so many days is reported.
    type: int
    default: 30
attributes:
  check_mode:
    description: Changes nothing in any mode.
    support: full
"""

EXAMPLES = r"""
- name: Check the certificate of the store
  seclyzer.edge.influxdb_certificate:
    url: https://store.example.com:8086
    certificate: /etc/ssl/influxdb.crt
    key: /etc/ssl/private/influxdb.key
    ca_remote: /usr/local/share/ca-certificates/example-ca.crt
  register: __influxdb_certificate
"""

RETURN = r"""
refused:
  description: Why clients will not trust it, a sentence each; empty when they will.
  type: list
  elements: str
  returned: always
notes:
  description: Which certificates have expired or soon will, and what to do, a sentence each.
  type: list
  elements: str
  returned: always
"""

HOW = "roles/influxdb/README.md shows how to issue one"
ROUNDS = 10
"""More than a handshake needs."""


def judge(certificate: Path, key: Path, ca: str, name: str) -> str:
    """Why a client will not trust it; empty when it will."""
    for path, option in ((certificate, "influxdb_tls_cert"), (key, "influxdb_tls_key")):
        try:
            path.read_bytes()
        except OSError as error:
            return f"{option} names {path}, which the host cannot read: {error.strerror}"
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        server.load_cert_chain(certificate, key, password=lambda: b"")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            return f"influxdb_tls_key, {key}, is not the key of {certificate}"
        return (
            f"influxdb_tls_cert, {certificate}, and influxdb_tls_key, {key}, cannot be used: {tls.words(error, name)}"
        )
    try:
        client = tls.context_of(ca.encode() or None)
    except ValueError as fault:
        return f"the CA (influxdb_ca_file, influxdb_ca_remote) cannot be used: {fault}"
    try:
        _shake_hands(client, server, name)
    except ssl.SSLError as error:
        return f"influxdb_tls_cert, {certificate}: {tls.words(error, name)}; {HOW}"
    return ""


def _shake_hands(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> None:
    """A handshake in memory. Raises SSLError, the client's before the server's."""
    asks, answers = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(answers, asks, server_hostname=name), server.wrap_bio(asks, answers, server_side=True)]
    for _ in range(ROUNDS):
        for end in tuple(ends):
            try:
                end.do_handshake()
                ends.remove(end)
            except ssl.SSLWantReadError:
                pass
        if not ends:
            return
    raise ssl.SSLError("the handshake does not end")


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "url": {"type": "str", "required": True},
            "certificate": {"type": "path", "required": True},
            "key": {"type": "path", "required": True, "no_log": False},
            **CA,
            "days": {"type": "int", "default": expiry.DAYS},
        },
        supports_check_mode=True,
    )
    options = module.params
    name = urlsplit(options["url"]).hostname or ""
    try:
        ca = read_ca(options["ca_content"], options["ca_remote"])
        refused = judge(Path(options["certificate"]), Path(options["key"]), ca, name)
    except Refused as fault:
        refused = str(fault)
    notes = [] if refused else _ending(options)
    module.exit_json(changed=False, refused=[refused] if refused else [], notes=notes)


def _ending(options: dict[str, Any]) -> list[str]:
    """What soon expires of what lies on this host; the CA of the controller is looked at there."""
    certificate, authority, days = options["certificate"], options["ca_remote"], options["days"]
    found = expiry.ending(Path(certificate).read_bytes(), f"influxdb_tls_cert {certificate}", expiry.OF_STORE, days)
    if authority and not options["ca_content"]:
        pem = Path(authority).read_bytes()
        found += expiry.ending(pem, f"influxdb_ca_remote {authority}", expiry.OF_CA, days)
    return found


if __name__ == "__main__":
    main()
