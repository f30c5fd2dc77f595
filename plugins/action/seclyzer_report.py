"""What a run came to, for all hosts: printed last, kept for the next run, and written as JSON when a file is named."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from ansible.utils.vars import load_extra_vars

from ..module_utils import fleet_entry, last_report
from ..module_utils.extra_vars import next_modes, next_run, without_effect
from ..module_utils.fleet import named
from ..module_utils.fleet_entry import Entry, Seen, plain
from ..module_utils.fleet_report import ROLLS_OUT, Report
from ..module_utils.history import RETRY
from ..module_utils.lease import BUSY, WENT_ON
from ..module_utils.words import DEFAULT_USER
from ..plugin_utils import host_options
from ..plugin_utils.actions import Action, Facts, Options, Result, report
from ..plugin_utils.command_line import again, another, inventories
from .seclyzer_preflight import OLD_WISHES, WISHES

REGISTERED = {"preflight": "__seclyzer_host", "health": "__seclyzer_health", "failed": "__seclyzer_failed"}
"""The variables that earlier tasks registered, by option."""
RETURNS = "rollback.yml"
OF_THE_RELEASE = ("seclyzer_bundle", "seclyzer_release_values_change")
"""Options of one run that a run on the hosts which are left over needs as well, or it brings another release."""
ONCE = (WISHES | OLD_WISHES) - {*OF_THE_RELEASE}
"""Options of one run that are not for those hosts as well."""
ONCE_RETURNED = ("seclyzer_release_take_over", "seclyzer_release_without_unreachable")
"""The same, of a rollback."""
Vars = Mapping[str, Any]


class ActionModule(Action):
    """See the module of the same name for its options."""

    OPTIONS: ClassVar[Options] = {
        **{name: {"type": "str", "default": default} for name, default in REGISTERED.items()},
        "partial": {"type": "bool", "default": False},
        "playbook": {"type": "str", "default": ROLLS_OUT},
        "why": {"type": "str", "default": ""},
    }

    def result(self, arguments: dict[str, Any], facts: Facts) -> Result:
        """The lines of the report, and the hosts that need an operator."""
        if arguments["why"]:
            return {"failed": True, "changed": False, "msg": arguments["why"]}
        check = bool(self._task.check_mode)
        run = facts.get("__seclyzer_run") or {}
        fleet = facts.get("__seclyzer_fleet") or {}
        chosen = fleet.get("chosen") or run.get("chosen")
        if chosen is None:
            chosen = facts["ansible_play_hosts_all"]
        entries = [
            fleet_entry.entry(_seen(host, facts, arguments), check, arguments["partial"]) for host in sorted(chosen)
        ]
        hostvars = facts["hostvars"]
        preflights = [hostvars[one.host].get(arguments["preflight"]) or {} for one in entries]
        typed = [*(run.get("typed") or []), "mode"]
        would = {one.host: (found, one.running) for one, found in zip(entries, preflights, strict=True)}
        following, words = next_modes(would)
        given = load_extra_vars(self._loader).keys() & {"mode", *host_options.known()}
        by_e = [*without_effect(given), *words] if arguments["playbook"] == RETURNS else next_run(typed, preflights)
        general = [*run.get("general", []), *fleet.get("general", []), *by_e, without_owner(facts), *one_name(facts)]
        if run.get("unsigned"):
            general.append("the bundle is not signed: seclyzer_release_allow_unsigned accepts it")
        for one in entries:
            one.command = command(one, arguments["playbook"], run, check) if one.needs_operator else ""
        run_report = Report(
            run=str(run.get("rollout") or ""),
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            entries=entries,
            check=check,
            stopped=_stopped(facts),
            given=sorted(given),
            following=following,
            playbook=arguments["playbook"],
            general=[words for words in general if words],
        )
        why = {one.host: _why(one) for one in entries if one.needs_operator}
        return report([*run_report.lines(), *_keep(run_report, facts)], why)


def _seen(host: str, facts: Vars, arguments: Vars) -> Seen:
    of_host = facts["hostvars"][host]
    fleet, batches = facts.get("__seclyzer_fleet") or {}, facts.get("__seclyzer_batches") or {}
    read = {name: of_host.get(f"__seclyzer_{name}") or {} for name in ("staged", "switched", "now", "shadow")}
    left = still_valid(of_host.get("__seclyzer_withdrawn"), (fleet.get("left") or {}).get(host, ""), host)
    return Seen(
        host,
        stores=host in facts["groups"].get("seclyzer_store", []),
        active=host in facts["ansible_play_hosts"],
        preflight=of_host.get(arguments["preflight"]) or {},
        health=of_host.get(arguments["health"]) or {},
        failed=str(of_host.get(arguments["failed"]) or ""),
        last_words=of_host.get("__seclyzer_last_words") or [],
        refused=(fleet.get("refused") or {}).get(host) or [],
        notes=[*_notes(of_host, of_host.get(arguments["preflight"]) or {}), *left],
        settled=host in (batches.get("settled") or []),
        planned=bool(batches) and "deployment" in read["staged"],
        **read,
    )


def _notes(of_host: Vars, preflight: Vars) -> list[str]:
    access = of_host.get("__influxdb_access") or {}
    risks = open_redis(of_host.get("__redis_config"), of_host.get("__redis_acl"))
    begun, compared = ((of_host.get(f"__seclyzer_{name}") or {}) for name in ("staged", "shadow"))
    shadow = [(begun.get("shadow") or {}).get("note"), *(compared.get("notes") or []), *(begun.get("notes") or [])]
    soon = [
        words
        for name in ("certificate", "outside", "access")
        for words in (of_host.get(f"__influxdb_{name}") or {}).get("notes") or []
    ]
    untested = preflight.get("untested")
    system = f"untested system, {untested}, which seclyzer_release_allow_untested accepts" if untested else ""
    return [str(words) for words in (*shadow, access.get("away"), risks, system, *soon) if words]


def _stopped(facts: Vars) -> str:
    """Why hosts were not started: what the last batch that began was given."""
    reasons = [(facts.get("__seclyzer_batches") or {}).get("stopped")]
    for host in facts["ansible_play_hosts_all"]:
        reasons.append((facts["hostvars"][host].get("__seclyzer_batch") or {}).get("stopped"))
    return next((str(words) for words in reasons if words), "")


def _why(one: Entry) -> str:
    return "; ".join(one.cause) or one.state


def _keep(report: Report, facts: Vars) -> list[str]:
    """Writes the report for `-e only=failed` and, when it is named, into a file; what could not be, in a sentence."""
    document = report.document() | {"inventories": inventories()}
    lines: list[str] = []
    if file := facts.get("report_file"):
        lines += last_report.written(Path(str(file)).expanduser().absolute(), document, 0o644)
    if not report.check:
        path = last_report.path_of(inventories())
        known = list(facts["groups"]["all"])
        lines += last_report.written(path, last_report.merged(last_report.load(path), document, known), 0o600)
    return lines


def command(one: Entry, playbook: str, run: Mapping[str, Any], check: bool = False) -> str:
    """What to type for a host that needs an operator."""
    if one.state == "failed" and one.at in ("the switch", "going back") and one.before != one.running and one.before:
        return another(RETURNS, limit=one.host)
    after = {"refused": "mend that, then ", "lost": "when it is back: ", "failed": "mend that, then "}
    taken = any(words in cause for cause in one.cause for words in (BUSY, WENT_ON))
    when = "when that run has ended: " if taken else after.get(one.state, "")
    if playbook == RETURNS:
        same = [word for name in ("undo", "to") if run.get(name) for word in ("-e", f"{name}={run[name]}")]
        return when + again(RETURNS, *same, limit=one.host, once=ONCE_RETURNED)
    # A check leaves no report behind that only=failed could take hosts from.
    mended = when + again(playbook, *(() if check else ("-e", "only=failed")), once=ONCE)
    known_bad = any(RETRY in cause for cause in one.cause)
    return mended + (f"; with the same content again, {RETRY} beside it" if known_bad else "")


def still_valid(withdrawn: Any, store: str, host: str) -> list[str]:
    """What a host that has left a store can still do there; nothing when its credential ended, or was not to end."""
    result = withdrawn or {}
    if not store or result.get("skipped") or not (result.get("unreachable") or result.get("msg")):
        return []
    why = "was not reached" if result.get("unreachable") else f"did not end it ({plain(str(result['msg']))})"
    ends = again("site.yml", limit=f"{host},{store}", once=ONCE)
    return [
        f"its credential on {store}, which it leaves, is still valid, for {store} {why}; when that is mended, "
        f"{ends} ends it"
    ]


def without_owner(facts: Mapping[str, Any]) -> str:
    """A reminder, once a fleet has more than one edge and some of them have no owner; empty otherwise."""
    edges = facts["groups"].get("seclyzer_edge", [])
    option = "seclyzer_extractors_user_id"
    nameless = [edge for edge in edges if str(facts["hostvars"][edge].get(option) or DEFAULT_USER) == DEFAULT_USER]
    if len(edges) < 2 or not nameless:
        return ""
    return (
        f"without an owner: {named(nameless)}; {option} names a host's person, by whom forget.yml and export.yml find "
        "the data"
    )


def one_name(facts: Mapping[str, Any]) -> list[str]:
    """Edges of a store outside the inventory whose points nothing tells apart; a gateway of ours refuses the second."""
    alike: dict[tuple[str, str], list[str]] = {}
    for edge in facts["groups"].get("seclyzer_edge", []):
        of_host = facts["hostvars"][edge]
        if name := (of_host.get("__influxdb_outside") or {}).get("host"):
            alike.setdefault((str(of_host.get("influxdb_url")), name), []).append(edge)
    return [
        f"{named(edges)} call themselves {name}, so that their points are one host's in the store; give each a host "
        "name of its own, or list a host once"
        for (_, name), edges in alike.items()
        if len(edges) > 1
    ]


def open_redis(config: Any, acl: Any) -> str:
    """What was configured in Redis that others on the host can use, from what its modules returned; mostly nothing."""
    port = (config or {}).get("port")
    risks = [f"Redis: any user of the host can take its connections through port {port}"] if port else []
    if (acl or {}).get("open"):
        risks.append("Redis: events are taken without a password")
    return "; ".join(risks)
