"""The registry of checks: each module of `checks/` states one, as `SPEC`; nothing else lists them.

A broken one breaks no other: for a module that cannot be loaded, and for a check that cannot be made, a check stands in
the report that fails and says where the fault is.
"""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from . import checks
from .logs import place
from .model import Check, Entry, Pace, Reading, Status, Unreadable
from .spec import Context, Setting, Spec

log = logging.getLogger("seclyzer_agent")

LAST = 1_000_000  # the order of a check whose module states none, since it cannot be loaded


@dataclass(frozen=True, slots=True)
class Broken:
    """Stands for a check that could not be made: it fails and says why."""

    name: str
    why: str
    after: tuple[str, ...] = ()

    @property
    def primary(self) -> Entry:
        """Its only entry."""
        return Entry("loaded", self.name, "component", Status.FAIL, "")

    async def read(self) -> Reading:
        """Raises Unreadable, always."""
        raise Unreadable(self.why)


@cache
def specs() -> tuple[Spec, ...]:
    """The specs of all checks, in the order of the report."""
    files = {name for folder in checks.__path__ for name in os.listdir(folder) if name.endswith(".py")}
    modules = (name.removesuffix(".py") for name in files - {"__init__.py"})
    return combined((name, _loaded(name)) for name in modules)


def combined(found: Iterable[tuple[str, Spec | str]]) -> tuple[Spec, ...]:
    """The specs in the order of the report, from each module's name and its spec, or why it has none.

    A spec that takes a name, a metric or a setting of one before it counts as broken.
    """
    taken: set[str] = set()
    result: list[Spec] = []
    for module, spec in sorted(found, key=lambda item: (item[1].order if isinstance(item[1], Spec) else LAST, item[0])):
        why = spec if isinstance(spec, str) else _clash(spec, taken)
        if isinstance(spec, str) or why:
            name = module if f"check {module}" not in taken else f"module_{module}"
            spec = _broken(name, f"the check itself is broken ({why})")
        taken |= _claims(spec)
        result.append(spec)
    return tuple(result)


def _loaded(module: str) -> Spec | str:
    """The spec of a module of `checks/`, or why there is none."""
    try:
        spec: Any = importlib.import_module(f"{checks.__name__}.{module}").SPEC
    except Exception as error:
        log.exception("a check cannot be loaded", extra={"fields": {"module": module}})
        return f"{type(error).__name__} at {place(error)}"
    return spec if isinstance(spec, Spec) else "its SPEC is no Spec"


def _claims(spec: Spec) -> set[str]:
    """What only one check may have."""
    metrics = {f"metric {metric.name.removesuffix('_total')}" for metric in spec.metrics}
    return {f"check {name}" for name in spec.names} | metrics | {f"setting {s.key}" for s in spec.settings}


def _clash(spec: Spec, taken: set[str]) -> str:
    clash = sorted(_claims(spec) & taken)
    return f"another check has the {clash[0]}" if clash else ""


def _broken(name: str, why: str) -> Spec:
    return Spec(
        names=(name,),
        order=LAST,
        help="could not be loaded",
        pace=Pace(60, 5, rise=1, fall=1),
        measurements={"loaded": "why the check could not be loaded (`fail`)"},
        make=lambda _: [Broken(name, why)],
    )


def broken() -> bool:
    """Whether a module could not be loaded: its settings are not known then."""
    return any(spec.order == LAST for spec in specs())


def spec_of(check: str) -> Spec | None:
    """The spec of the check of this name."""
    return next((spec for spec in specs() if check in spec.names), None)


def paces() -> dict[str, Pace]:
    """Each check's name and its pace, unless the configuration says otherwise."""
    return {name: spec.pace for spec in specs() for name in spec.names}


def settings() -> list[Setting]:
    """The settings that checks bring along."""
    return [setting for spec in specs() for setting in spec.settings]


def build(context: Context, known: Iterable[Spec] | None = None) -> list[Check]:
    """The checks of this host's roles, in the order of the report."""
    roles = context.settings.roles
    here = [spec for spec in (specs() if known is None else known) if set(spec.roles) & set(roles)]
    return [check for spec in here for check in _made(spec, context)]


def _made(spec: Spec, context: Context) -> list[Check]:
    try:
        made = list(spec.make(context))
        if strange := [check.name for check in made if check.name not in spec.names]:
            raise ValueError(f"{strange[0]!r} is none of the names that its spec states")
        return made
    except Exception as error:
        log.exception("a check cannot be made", extra={"fields": {"check": spec.names[0]}})
        why = f"the check itself is broken ({type(error).__name__} at {place(error)})"
        return [Broken(name, why) for name in spec.names]
