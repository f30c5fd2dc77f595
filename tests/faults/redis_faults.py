"""What happens to Redis, or between it and an extractor."""

import json
import signal
import time
from typing import Any

from tests.helpers.waiting import until, until_each
from tests.live.events import SECRET

from .campaign import Fault
from .stage import KINDS, Stage

WINDOW_US = 3_000_000
HELD_MS = 120_000
WRONG = "of another type"


def forget_lists(stage: Stage) -> None:
    """The lists begin anew with the next output."""
    stage.notes["list_from"] = {kind: len(stage.published[kind]) for kind in KINDS}


def restart(stage: Stage) -> None:
    """Killed and started again, empty, twice; nothing was unread."""
    for _ in range(2):
        stage.wait_read()
        stage.redis_away()
        forget_lists(stage)
        time.sleep(stage.random.uniform(0.2, 3.0))
        stage.redis_back()
        stage.feeder.go()
        stage.wait_outputs(1)


def note_unread(stage: Stage) -> None:
    """What is lost may hold one of the events that were not read yet."""
    client, counts, spans = stage.client(), {}, {}
    for kind in KINDS:
        unread = client.xrange(f"seclyzer:stream:{kind}", f"({stage.doors[kind].behind}")
        times = [json.loads(fields["e"])["ts"] for _, fields in unread]
        counts[kind] = len(times)
        spans[kind] = (min(times, default=0), max(times, default=0) + WINDOW_US)
    stage.notes["events lost"], stage.notes["may lose"] = counts, spans


def restart_unread(stage: Stage) -> None:
    """Killed while there is something to read: the loss is reported."""
    for one in stage.running.values():
        one.signal(signal.SIGSTOP)
    stage.run_for(0.5)
    stage.feeder.pause()
    note_unread(stage)
    stage.redis_away()
    forget_lists(stage)
    for one in stage.running.values():
        one.signal(signal.SIGCONT)
    stage.redis_back()
    stage.feeder.go()
    stage.wait_outputs(3)


def remembers(stage: Stage) -> None:
    """Started again from a dump that takes seconds to load: it answers -LOADING meanwhile, and then knows all.

    Nothing is published after the dump is made: outputs that come then wait for an answer until Redis is gone.
    """
    stage.wait_read()
    client = stage.client()
    client.eval("for i = 1, 20000 do redis.call('set', 'ballast:' .. i, i) end", 0)
    client.client_pause(timeout=HELD_MS, all=False)
    client.save()
    stage.redis_away()
    stage.notes["list_from"] = dict.fromkeys(KINDS, 0)
    path = stage.redis.socket.with_name("redis.new")
    stage.redis.begin("--key-load-delay", "150", "--loading-process-events-interval-bytes", "1024", at=path)
    until(path.exists, "redis-server listens")
    stage.redis.open_doors(path)
    stage.notes["answer while loading"] = ask_while_loading(stage)
    stage.listen(stage.redis.socket)
    stage.feeder.go()
    stage.wait_outputs(2)


def ask_while_loading(stage: Stage) -> str:
    """What Redis says to a read while it loads; returns when it has loaded."""
    answer = ""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            stage.client().xlen("seclyzer:stream:mouse")
            assert answer, "Redis was never loading"
            return answer
        except Exception as error:
            answer = f"{type(error).__name__}: {error}"
            time.sleep(0.1)
    raise AssertionError(f"Redis still says {answer}")


def client_kill(stage: Stage) -> None:
    """Each connection of each extractor, one after the other, three times over."""
    killed = 0
    for _ in range(3):
        others = [one for one in stage.client().client_list() if one["name"] != "harness"]
        stage.random.shuffle(others)
        for one in others:
            killed += stage.client().execute_command("CLIENT", "KILL", "ID", one["id"])
            stage.run_for(stage.random.uniform(0.0, 0.4))
        until_each(KINDS, lambda kind: len(living(stage, kind)) >= 1, "it is connected again")
    stage.notes["connections killed"] = killed
    assert killed >= 9, f"only {killed} connections were killed"


def living(stage: Stage, kind: str) -> list[object]:
    """The connections of one extractor."""
    return [tap for tap in stage.doors[kind].wires if tap.wire.open]


def kill_others(client: Any) -> None:
    """All connections of the extractors, at once, by a connection that was let in before."""
    for one in client.client_list():
        if one["name"] != "harness":
            client.execute_command("CLIENT", "KILL", "ID", one["id"])


def no_auth(stage: Stage) -> None:
    """A password is required that no client has, and then no more: NOAUTH to whoever comes."""
    client = stage.client()
    client.ping()
    client.config_set("requirepass", "unknown to all")
    for _ in range(2):
        kill_others(client)
        stage.run_for(1.5)
    client.config_set("requirepass", "")
    stage.wait_outputs(2)


USER, PASSWORD = "extractor", f"{SECRET}-word"  # so that it would be found in a log


def add_user(stage: Stage) -> None:
    """The user that the extractors log in as."""
    words = ("ACL", "SETUSER", USER, "reset", "on", f">{PASSWORD}", "~*", "&*", "+@all")
    stage.client().execute_command(*words)


def begin_as_user(stage: Stage) -> None:
    """The load, with that user."""
    add_user(stage)
    stage.begin()


def changed_password(stage: Stage) -> None:
    """The password is another for a while (WRONGPASS); then there is no such user, and its connections are gone."""
    client = stage.client()
    client.execute_command("ACL", "SETUSER", USER, "resetpass", ">another")
    kill_others(client)
    stage.run_for(1.5)
    add_user(stage)
    stage.wait_outputs(1)
    client.execute_command("ACL", "DELUSER", USER)
    stage.run_for(1.5)
    add_user(stage)
    stage.wait_outputs(2)


def no_rights(stage: Stage) -> None:
    """What an extractor may do is taken away for a while, on connections that stand: NOPERM."""
    client = stage.client()
    for rights in ("-xread", "-exec", "-multi", "-publish", "-hset", "-subscribe"):
        client.execute_command("ACL", "SETUSER", "default", rights)
        stage.run_for(1.2)
        client.execute_command("ACL", "SETUSER", "default", "+@all")
        stage.wait_outputs(1)


def wrong_type(stage: Stage) -> None:
    """Each key that an extractor writes, with something of another type in it for a while; then it is gone again."""
    client = stage.client()
    for kind in KINDS:
        keys = [f"seclyzer:features:{kind}", f"seclyzer:cursor:{kind}", f"seclyzer:stats:{kind}"]
        keys += ["seclyzer:app:state", "seclyzer:app:patterns"] if kind == "app" else []
        stage.random.shuffle(keys)
        for key in keys:
            if key.endswith(("state", "patterns")):
                client.pipeline().delete(key).lpush(key, WRONG).execute()
            else:
                client.set(key, WRONG)
            stage.wait_outputs(1, [kind])
            if key.startswith("seclyzer:features"):
                client.delete(key)
                stage.notes.setdefault("list_from", {})[kind] = None
            elif not key.endswith(("state", "patterns")):
                client.delete(key)
    stage.wait_outputs(1)


def wrong_stream(stage: Stage) -> None:
    """Something else stands where the stream was, when all of it had been read; then it is gone."""
    stage.wait_read()
    client = stage.client()
    for kind in KINDS:
        client.set(f"seclyzer:stream:{kind}", WRONG)
    stage.run_for(2.5)
    for kind in KINDS:
        client.delete(f"seclyzer:stream:{kind}")
    stage.feeder.go()
    stage.wait_outputs(2)


def out_of_memory(stage: Stage) -> None:
    """Redis takes nothing more, twice; what it refused the feeder has not fed."""
    for _ in range(2):
        stage.client().config_set("maxmemory", 1)
        stage.run_for(stage.random.uniform(1.5, 3.0))
        stage.client().config_set("maxmemory", 0)
        stage.wait_outputs(1)
    stage.feeder.pause()
    refused = int(stage.feeder.figures["refused"])
    stage.notes["events refused by Redis"] = refused
    assert refused > 100, f"Redis refused only {refused} events"
    stage.feeder.go()
    stage.wait_outputs(1)


def half_open(stage: Stage) -> None:
    """Nothing passes any more on connections that stay open: the reading ones, the writing ones, all."""
    for reading in (True, False, None):
        cut = sum(stage.doors[kind].cut(reading) for kind in KINDS)
        assert cut >= 3, f"only {cut} connections were there to be cut"
        stage.run_for(1.0)
        stage.wait_outputs(1)
        stage.wait_outputs(1)


def in_doubt(stage: Stage) -> None:
    """A connection is lost when EXEC was on its way, or done and not yet answered: closed, or silent from then on."""
    struck: list[str] = []
    for aim in ("after EXEC", "before EXEC"):
        for closes in (True, False):
            for door in stage.doors.values():
                door.on_strike, door.closes, door.aim = struck.append, closes, aim
            until(lambda: not any(door.aim for door in stage.doors.values()), "each connection is hit")
            stage.run_for(0.2)
            stage.wait_outputs(2)
    stage.notes["connections lost"] = {where: struck.count(where) for where in sorted(set(struck))}


def frozen(stage: Stage) -> None:
    """Redis is stopped for some seconds, longer than it may take to answer, and goes on where it was.

    What a producer had sent waits in Redis' socket meanwhile. After a shorter stop it may come too late for a window.
    """
    for _ in range(2):
        stage.redis.signal(signal.SIGSTOP)
        stage.notes["feeder held up"] = True
        stage.run_for(stage.random.uniform(2.0, 6.0))
        stage.redis.signal(signal.SIGCONT)
        stage.wait_outputs(2)


def flushed(stage: Stage) -> None:
    """All keys go while it runs; nothing was unread."""
    for _ in range(2):
        stage.wait_read()
        stage.client().flushall()
        forget_lists(stage)
        stage.run_for(stage.random.uniform(0.0, 1.0))
        stage.feeder.go()
        stage.wait_outputs(2)


FAULTS = [
    Fault("redis restart", restart),
    Fault("redis restart, unread", restart_unread, loses=True),
    Fault("redis loading", remembers),
    Fault("client kill", client_kill),
    Fault("noauth", no_auth),
    Fault(
        "password changed",
        changed_password,
        {"REDIS_USERNAME": USER, "REDIS_PASSWORD": PASSWORD},
        begin=begin_as_user,
    ),
    Fault("noperm", no_rights, counts={"output_errors": None}, counts_of=()),
    Fault("wrong type", wrong_type, counts={"output_errors": None}),
    Fault("wrong type of the stream", wrong_stream),
    Fault("out of memory", out_of_memory),
    Fault("half-open", half_open),
    Fault("EXEC in doubt", in_doubt),
    Fault("redis frozen", frozen),
    Fault("flushall", flushed),
]
