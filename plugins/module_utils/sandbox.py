"""The sandbox of every service, as data: what all have, what differs by network, and which programs may be started.

Units' templates get it by the lookup `seclyzer.edge.sandbox`, the proof on a host and the bench by `settings`. A
setting of systemd that stands here stands in no template. Standard library only: it runs on hosts, and the bench, which
has a link to this file, takes it along.
"""

from __future__ import annotations

from collections.abc import Sequence

Setting = tuple[str, str]
Group = tuple[str, tuple[Setting, ...]]
"""Settings that belong together, under the comment that a unit shows above them."""

BASE: tuple[Group, ...] = (
    ("Nothing goes to swap or into a core dump.", (("MemorySwapMax", "0"), ("LimitCORE", "0"))),
    (
        "Nothing can be written but its own state.",
        (
            ("ProtectSystem", "strict"),
            ("ProtectHome", "yes"),
            ("PrivateTmp", "yes"),
            ("RemoveIPC", "yes"),
        ),
    ),
    (
        "Nothing of the kernel, of devices or of other processes.",
        (
            ("CapabilityBoundingSet", ""),
            ("AmbientCapabilities", ""),
            ("NoNewPrivileges", "yes"),
            ("PrivateIPC", "yes"),
            ("PrivateUsers", "yes"),
            ("PrivateDevices", "yes"),
            ("DevicePolicy", "closed"),
            ("ProtectClock", "yes"),
            ("ProtectControlGroups", "yes"),
            ("ProtectHostname", "yes"),
            ("ProtectKernelLogs", "yes"),
            ("ProtectKernelModules", "yes"),
            ("ProtectKernelTunables", "yes"),
            ("ProtectProc", "invisible"),
            ("KeyringMode", "private"),
            ("LockPersonality", "yes"),
            ("MemoryDenyWriteExecute", "yes"),
            ("RestrictNamespaces", "yes"),
            ("RestrictRealtime", "yes"),
            ("RestrictSUIDSGID", "yes"),
            ("SystemCallArchitectures", "native"),
            ("SystemCallFilter", "@system-service"),
            ("SystemCallFilter", "~@privileged @resources"),
            ("SystemCallErrorNumber", "EPERM"),
        ),
    ),
)
"""What every service has."""

RESOLVERS = "-/run/systemd/resolve -/run/nscd -/run/avahi-daemon"
BUS = "-/run/dbus"

NETWORKS: dict[str, Group] = {
    "none": (
        "No network, and no socket of a service that would ask a resolver: only unix sockets in this host's folders.",
        (
            ("PrivateNetwork", "yes"),
            ("IPAddressDeny", "any"),
            ("RestrictAddressFamilies", "AF_UNIX"),
            ("InaccessiblePaths", RESOLVERS),
        ),
    ),
    "own": (
        "A loopback of its own, which reaches nothing of the host.",
        (("PrivateNetwork", "yes"), ("RestrictAddressFamilies", "AF_UNIX AF_INET")),
    ),
    "loopback": (
        "This host only.",
        (
            ("IPAddressDeny", "any"),
            ("IPAddressAllow", "localhost"),
            ("RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6"),
        ),
    ),
    "all": (
        "Every address may be talked to.",
        (("RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6"),),
    ),
}
"""What a service can talk to."""

LIBRARIES = ("/usr/lib", "/lib", "-/lib64")
"""What a program that may be started needs beside itself."""

APPENDED = ("RestrictAddressFamilies", "SystemCallFilter")
"""Settings to which a drop-in adds, unless it empties them first."""


def groups(
    network: str,
    *,
    bus: bool = False,
    allow: Sequence[str] = (),
    programs: Sequence[str] = (),
    umask: str = "0077",
    proc: str = "pid",
    dropin: bool = False,
) -> list[Group]:
    """The settings of one service.

    `network`: one of NETWORKS. `bus`: whether it asks systemd by D-Bus. `allow`: addresses beside the host's own, with
    the network `loopback`. `programs`: all that it may start; empty for no such limit. `proc`: `pid`, or `all` for a
    program that reads figures of the host. `dropin`: the text goes over another unit's settings.
    """
    comment, reach = NETWORKS[network]
    if network == "none" and not bus:
        reach = (*reach, ("InaccessiblePaths", BUS))
    reach = tuple((key, " ".join([value, *allow]) if key == "IPAddressAllow" else value) for key, value in reach)
    first, *others = BASE
    found = [first, (comment, reach), *others, ("", (("UMask", umask), ("ProcSubset", proc)))]
    if programs:
        paths = " ".join([*programs, *LIBRARIES])
        found.append(("No other program can be started.", (("NoExecPaths", "/"), ("ExecPaths", paths))))
    return [(above, _emptied(settings) if dropin else settings) for above, settings in found]


def settings(network: str, **others: bool | str | Sequence[str]) -> list[Setting]:
    """As `groups`, without the comments."""
    return [setting for _, of_group in groups(network, **others) for setting in of_group]  # type: ignore[arg-type]


def text(found: Sequence[Group]) -> str:
    """Settings as they stand in a unit, a comment above each group."""
    blocks = ["".join([f"# {above}\n" if above else "", *(f"{k}={v}\n" for k, v in of)]) for above, of in found]
    return "\n".join(blocks)


def _emptied(found: Sequence[Setting]) -> tuple[Setting, ...]:
    """With an empty setting before the first of each that would only be added to."""
    done: list[Setting] = []
    for key, value in found:
        if key in APPENDED and key not in {name for name, _ in done}:
            done.append((key, ""))
        done.append((key, value))
    return tuple(done)
