"""The checks of the roles' options, for many hosts in one task on the controller.

A role states its checks once, as asserts in `tasks/check*.yml`, which run as tasks where the role is used by itself.
Here the same files are read and their asserts evaluated, without a task for each host and assert. A role reads its own
variables only, so hosts whose options of a role are alike share one evaluation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleError

from ..module_utils import variables

ASSERT = "ansible.builtin.assert"
ITEM = "item"
KEYS = {"name", ASSERT, "when", "vars", "loop", "loop_control"}
"""What a task of such a file may have."""

Vars = Mapping[str, Any]


@dataclass(frozen=True)
class Check:
    """One file of checks: its role, the group of hosts it is for (empty: all), and the tags of the runs it is for."""

    role: str
    file: str
    group: str
    tags: frozenset[str]


DEPLOYS = frozenset({"extractors", "agent"})
CHECKS = (
    Check("redis", "check", "seclyzer_edge", frozenset({"redis"})),
    Check("influxdb", "check", "", DEPLOYS | {"influxdb"}),
    Check("influxdb", "check_store", "seclyzer_store", frozenset({"influxdb"})),
    Check("influxdb_gateway", "check", "seclyzer_store", frozenset({"influxdb"})),
    Check("seclyzer_extractors", "check", "seclyzer_edge", DEPLOYS),
    Check("seclyzer_agent", "check", "", DEPLOYS),
    Check("seclyzer_release", "check", "", DEPLOYS),
)


def selected(tags: Iterable[str], run: Iterable[str], skip: Iterable[str]) -> bool:
    """Whether a run with these `--tags` and `--skip-tags` does what has `tags`; the preflight alone looks at all."""
    mine = {*tags, "preflight"}
    return bool(mine & {*run} or {"all", "tagged"} & {*run}) and not mine & {*skip}


@dataclass
class Roles:
    """The roles as they stand in a folder, read once; `loader` and `templar` are Ansible's."""

    folder: Path
    loader: Any
    templar: Any
    _defaults: dict[str, Any] = field(default_factory=dict)
    _read: dict[Path, Any] = field(default_factory=dict)
    _looked_at: dict[Check, set[str]] = field(default_factory=dict)
    _known: dict[tuple[str, str, str], list[str]] = field(default_factory=dict)

    def faults(self, check: Check, host: Vars) -> list[str]:
        """The sentences of the asserts that do not hold for a host."""
        values = {**self._all_defaults(), **host}
        view = self.templar.copy_with_new_env(available_variables=values)
        own = sorted(self._judged(check) & values.keys())
        key = (check.role, check.file, repr([(name, _resolved(view, values[name])) for name in own]))
        if key not in self._known:
            self._known[key] = list(self._evaluate(check, values))
        return self._known[key]

    def _evaluate(self, check: Check, values: Vars) -> Iterator[str]:
        role = self.folder / check.role
        values = {**values, **self._yaml(role / "vars" / "main.yml"), "role_path": str(role)}
        for task in self._yaml(role / "tasks" / f"{check.file}.yml"):
            if unknown := task.keys() - KEYS:
                has = ", ".join(sorted(unknown))
                raise AnsibleError(f"{role}/tasks/{check.file}.yml: {task.get('name')} has {has}")
            yield from self._assert(task, {**values, **(task.get("vars") or {})})

    def _assert(self, task: Vars, values: dict[str, Any]) -> Iterator[str]:
        view = self.templar.copy_with_new_env(available_variables=values)
        try:
            items = view.template(task["loop"]) if "loop" in task else [None]
            for item in items:
                of_item = self.templar.copy_with_new_env(available_variables={**values, ITEM: item})
                if not all(of_item.evaluate_conditional(one) for one in _listed(task.get("when", []))):
                    continue
                if not all(of_item.evaluate_conditional(one) for one in _listed(task[ASSERT]["that"])):
                    yield str(of_item.template(task[ASSERT]["fail_msg"])).strip().removesuffix(".")
        except AnsibleError as fault:
            yield f"{task['name']}: this cannot be worked out: {fault}"

    def _all_defaults(self) -> dict[str, Any]:
        if not self._defaults:
            for path in sorted(self.folder.glob("*/defaults/main.yml")):
                self._defaults |= self._yaml(path)
        return self._defaults

    def _judged(self, check: Check) -> set[str]:
        """The options that a file of checks may look at: texts only by their names, others also by a made-up name."""
        if check not in self._looked_at:
            role = self.folder / check.role
            text = "".join((role / part).read_text() for part in (f"tasks/{check.file}.yml", "vars/main.yml"))
            options = variables.options([self._yaml(role / "meta" / "argument_specs.yml")])
            kept = {name for name, option in options.items() if option.get("type") != "str" or name in text}
            self._looked_at[check] = kept
        return self._looked_at[check]

    def _yaml(self, path: Path) -> Any:
        if path not in self._read:
            if path.name == "argument_specs.yml":
                self._read[path] = read_yaml(path)
            else:
                self._read[path] = self.loader.load_from_file(str(path), trusted_as_template=True) or {}
        return self._read[path]


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def _resolved(view: Any, value: Any) -> Any:
    """A value as the host has it; the error in its place when it cannot be resolved."""
    try:
        return view.template(value)
    except AnsibleError as fault:
        return f"error: {fault}"


def read_yaml(path: Path) -> Any:
    """A file of YAML, by the fast reader where there is one."""
    return yaml.load(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
