"""Asks the host first what it lacks, and sends only that: an unchanged host costs one run and no transfer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

MODULE = "seclyzer.edge.seclyzer_deployment"


def read_manifest(bundle: Path) -> dict[str, Any]:
    """The manifest of a bundle on the controller."""
    try:
        return dict(json.loads((bundle / "manifest.json").read_text()))
    except FileNotFoundError:
        raise AnsibleActionFail(f"there is no bundle at {bundle}; `make bundle` builds one") from None
    except ValueError as fault:
        raise AnsibleActionFail(f"{bundle}/manifest.json: {fault}; `make bundle` builds it anew") from None


class ActionModule(ActionBase):  # type: ignore[misc]
    """Runs the module once, and once more with the archives when it asks for them."""

    _supports_check_mode = True
    _supports_async = False
    TRANSFERS_FILES = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The result of the module's last run."""
        super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        bundle = Path(arguments.get("bundle") or ".")
        if arguments.get("state") == "staged":
            arguments["manifest"] = read_manifest(bundle)
        result: dict[str, Any] = self._execute_module(MODULE, arguments, task_vars=task_vars)
        needs = result.get("needs") or []
        if not needs or result.get("failed"):
            return result
        remote = self._make_tmp_path()
        try:
            for name in needs:
                archive = bundle / f"{name}.tar.gz"
                if not archive.is_file():
                    raise AnsibleActionFail(f"{archive} is missing; `make bundle` builds it")
                self._transfer_file(str(archive), self._connection._shell.join_path(remote, archive.name))
            arguments["archives"] = remote
            return dict(self._execute_module(MODULE, arguments, task_vars=task_vars))
        finally:
            self._remove_tmp_path(remote)
