"""Asks the host first what it lacks, and sends only that: an unchanged host costs one run and no transfer.

A host on which a trial is going does nothing; it is asked again until it has decided.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail

from ..module_utils import bundles, controller, signatures
from ..module_utils.bundles import Bundle
from ..module_utils.layout import Refused
from ..plugin_utils.actions import Action, Facts, Result

MODULE = "seclyzer.edge.seclyzer_deployment"
SWITCHES = ("current", "previous")
"""The states in which a host begins what it ends by itself."""


def read_bundle(folder: Path) -> Bundle:
    """The bundle on the controller, its manifest verified."""
    try:
        return bundles.read(folder)
    except Refused as fault:
        raise AnsibleActionFail(str(fault)) from None


def together(parts: Iterable[Mapping[str, Mapping[str, str]]]) -> dict[str, dict[str, str]]:
    """Units, configuration and probes of all parts; nothing without parts."""
    found: dict[str, dict[str, str]] = {}
    for part in parts:
        for name, files in part.items():
            found.setdefault(name, {}).update(files)
    return found


class ActionModule(Action):
    """Runs the module once, and once more with the archives when it asks for them."""

    def result(self, arguments: dict[str, Any], facts: Facts) -> Result:
        """The result of the module's last run."""
        folder = Path(arguments.get("bundle") or ".")
        if arguments.get("state") != "staged":
            return self._decided(arguments, facts)
        arguments |= together(arguments.pop("parts", None) or [])
        bundle = read_bundle(folder)
        arguments |= {"manifest": bundle.text, "sums": bundle.sums, "signature": bundle.signature}
        arguments["signers"] = signatures.trusted(arguments.get("signers"))
        result = self._decided(arguments, facts)
        needs = result.get("needs") or []
        if not needs or result.get("failed"):
            return result
        if wrong := bundles.archive_faults(folder, bundle.manifest, needs):
            raise AnsibleActionFail("; ".join(wrong))
        # One folder and no more: Ansible knows the last that was made, and removes no other. So TRANSFERS_FILES, which
        # has one made at every run, is not reported here.
        remote = self._connection._shell.tmpdir or self._make_tmp_path()
        try:
            for name in map(bundles.file_of, needs):
                self._transfer_file(str(folder / name), self._connection._shell.join_path(remote, name))
            return self._decided(arguments | {"archives": remote}, facts)
        finally:
            self._remove_tmp_path(remote)

    def _decided(self, arguments: dict[str, Any], facts: Facts) -> Result:
        """The module's result once no trial is going on the host.

        The lease of a run whose process is gone from this controller is taken over. A host that is not reached while it
        switches is asked again: it takes its switch up where it stands, and tries no deployment twice in a run.
        """
        arguments = arguments | {"process": controller.name(os.getppid())}
        switches = arguments.get("state") in SWITCHES and not self._task.check_mode

        def ask() -> Result:
            result = self.ask(MODULE, arguments, facts)
            has = result.get("lease") or {}
            if (result.get("failed") or result.get("waiting")) and controller.is_gone(has.get("process", "")):
                arguments["take_over"] = True
                return self.ask(MODULE, arguments, facts)
            if result.get("waiting"):
                arguments["waited_for"] = has.get("run", "")
            return result

        return self.follow(ask, facts, switches)
