"""Who may do what in Redis, as a table: for each user the commands it needs, and those that would betray a person.

`DRYRUN` before a command asks Redis instead of doing it, where doing it would leave something behind. What must be
refused is always really tried.
"""

EVENTS = "seclyzer:events"
# Another kind's event: extractors pass over it uncounted.
PROBE = '{"type":"probe"}'

MAY: dict[str, list[str]] = {
    "collector": [
        "PING",
        f"PUBLISH {EVENTS} {PROBE}",
        *[f"XADD seclyzer:stream:{kind} MINID ~ 1 * e {PROBE}" for kind in ("keystroke", "mouse", "app")],
    ],
    "agent": [
        "PING",
        "INFO memory",
        *[f"HGETALL seclyzer:stats:{kind}" for kind in ("keystroke", "mouse", "app")],
        *[f"XLEN seclyzer:stream:{kind}" for kind in ("keystroke", "mouse", "app")],
        *[f"LLEN seclyzer:features:{kind}" for kind in ("keystroke", "mouse", "app")],
    ],
    "consumer": [
        "PING",
        "SUBSCRIBE seclyzer:features:keystroke",
        "PSUBSCRIBE seclyzer:features:*",
        "LLEN seclyzer:features:keystroke",
        "LRANGE seclyzer:features:keystroke 0 0",
    ],
    "admin": [
        "CONFIG GET save",
        "LRANGE seclyzer:features:keystroke 0 0",
        "ACL WHOAMI",
    ],
}

MAY_NOT: dict[str, list[str]] = {
    "collector": [
        "SUBSCRIBE seclyzer:events",
        "PSUBSCRIBE *",
        "XREAD STREAMS seclyzer:stream:keystroke 0",
        "XRANGE seclyzer:stream:keystroke - +",
        "XLEN seclyzer:stream:keystroke",
        "XTRIM seclyzer:stream:keystroke MAXLEN 0",
        "XADD seclyzer:stream:other * e x",
        "DEL seclyzer:stream:keystroke",
        "PUBLISH seclyzer:features:keystroke x",
        "LPUSH seclyzer:features:keystroke x",
        "LRANGE seclyzer:features:keystroke 0 0",
        "HGETALL seclyzer:stats:keystroke",
    ],
    "agent": [
        "XRANGE seclyzer:stream:keystroke - +",
        "XREAD STREAMS seclyzer:stream:keystroke 0",
        "XINFO STREAM seclyzer:stream:keystroke FULL",
        "SUBSCRIBE seclyzer:events",
        "SUBSCRIBE seclyzer:features:keystroke",
        "LRANGE seclyzer:features:keystroke 0 0",
        "GET seclyzer:app:state",
        "HSET seclyzer:stats:keystroke pid 1",
        "PUBLISH seclyzer:events x",
        "XTRIM seclyzer:stream:keystroke MAXLEN 0",
    ],
    "consumer": [
        "SUBSCRIBE seclyzer:events",
        "PSUBSCRIBE *",
        "PSUBSCRIBE seclyzer:*",
        "PUBLISH seclyzer:features:keystroke x",
        "LPUSH seclyzer:features:keystroke x",
        "LTRIM seclyzer:features:keystroke 0 0",
        "DEL seclyzer:features:keystroke",
        "LRANGE seclyzer:stream:keystroke 0 0",
        "XREAD STREAMS seclyzer:stream:keystroke 0",
        "HGETALL seclyzer:stats:keystroke",
        "GET seclyzer:app:patterns",
    ],
    "admin": ["SAVE", "BGSAVE", "BGREWRITEAOF", "REPLICAOF NO ONE"],
}

# What only the admin may do.
FORBIDDEN = [
    "CONFIG GET *",
    "ACL LIST",
    "CLIENT LIST",
    "CLIENT TRACKING on BCAST",
    "MONITOR",
    "SLOWLOG GET",
    "KEYS *",
    "SCAN 0",
    "EVAL return(1) 0",
    "FLUSHALL",
    "SHUTDOWN NOSAVE",
    "SAVE",
    "SET seclyzer:probe x",
]


def _extractor(kind: str) -> None:
    stream, features, cursor = f"seclyzer:stream:{kind}", f"seclyzer:features:{kind}", f"seclyzer:cursor:{kind}"
    MAY[kind] = [
        f"XREAD COUNT 1 STREAMS {stream} 0",
        f"XRANGE {stream} - + COUNT 1",
        f"XTRIM {stream} MINID ~ 1",
        f"MEMORY USAGE {stream}",
        f"XLEN {stream}",
        f"DRYRUN XINFO STREAM {stream}",
        f"DRYRUN DEL {stream}",
        f"SUBSCRIBE {EVENTS}",
        f"HGETALL {cursor}",
        f"LTRIM {features} 0 999",
        "MULTI",
        f"DRYRUN PUBLISH {features} x",
        f"DRYRUN LPUSH {features} x",
        f"DRYRUN HSET {cursor} published 1",
        f"DRYRUN HSET seclyzer:stats:{kind} pid 1",
        f"DRYRUN EXPIRE seclyzer:stats:{kind} 30",
    ]
    MAY_NOT[kind] = [
        f"XADD {stream} * e x",
        f"XINFO GROUPS {stream}",
        f"DEL {features}",
        f"PUBLISH {EVENTS} x",
        f"LRANGE {features} 0 0",
        f"SUBSCRIBE {features}",
        "PSUBSCRIBE *",
    ]
    for other in [other for other in ("keystroke", "mouse", "app") if other != kind]:
        MAY_NOT[kind] += [
            f"XREAD STREAMS seclyzer:stream:{other} 0",
            f"XRANGE seclyzer:stream:{other} - +",
            f"XTRIM seclyzer:stream:{other} MAXLEN 0",
            f"DEL seclyzer:stream:{other}",
            f"PUBLISH seclyzer:features:{other} x",
            f"LPUSH seclyzer:features:{other} x",
            f"HSET seclyzer:cursor:{other} published 1",
            f"HSET seclyzer:stats:{other} pid 1",
        ]


for _kind in ("keystroke", "mouse", "app"):
    _extractor(_kind)
MAY["app"] += [f"{command} seclyzer:app:{key}" for command in ("GET", "DRYRUN GET") for key in ("state", "patterns")]
MAY["app"] += [f"DRYRUN SET seclyzer:app:{key} x" for key in ("state", "patterns")]
for _kind in ("keystroke", "mouse"):
    MAY_NOT[_kind] += ["GET seclyzer:app:state", "SET seclyzer:app:state x"]
for _user in ("collector", "agent", "consumer", "keystroke", "mouse", "app"):
    MAY_NOT[_user] += FORBIDDEN


def rows(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    """The table as (user, command)."""
    return [(user, command) for user, commands in table.items() for command in commands]
