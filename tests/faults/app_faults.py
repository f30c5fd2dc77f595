"""What the application tracker has learnt outlives Redis and the machine."""

import time

from tests.helpers.waiting import until

from .campaign import Fault
from .redis_faults import forget_lists
from .stage import KINDS, Stage

WINDOW_S = 3.1
STATE_FILE = "app-state.json"


def reboot(stage: Stage) -> None:
    """The machine goes down as it should, and Redis is empty when it is up again; twice.

    No one types during a boot, which takes longer than a window: no window has events of before and after.
    """
    for _ in range(2):
        stage.wait_read()
        idle_since = time.monotonic()
        stage.wait_closed()
        for kind in KINDS:
            stage.stop(kind)
        assert (stage.state("app") / STATE_FILE).stat().st_mode & 0o777 == 0o600
        stage.redis_away()
        forget_lists(stage)
        time.sleep(stage.random.uniform(0.0, 1.0))
        stage.redis_back()
        for kind in KINDS:
            stage.start(kind)
        until(lambda: all("READY=1" in one.heard for one in stage.running.values()), "they run")
        until(lambda since=idle_since: time.monotonic() > since + WINDOW_S, "a window has passed")  # type: ignore[misc]
        stage.feeder.go()
        stage.wait_outputs(2)


def file_and_key_are_damaged(stage: Stage) -> None:
    """Neither half of a file nor junk in the key keeps it from starting: it begins anew, and puts out nothing twice."""
    begun = time.time_ns() // 1000
    for junk in (b'{"schema": 1, "las', b"\xff\xfe", b"[]"):
        stage.wait_read()
        stage.run_for(1.0)
        stage.stop("app")
        path = stage.state("app") / STATE_FILE
        path.write_bytes(junk)
        stage.client().set("seclyzer:app:state", junk)
        stage.start("app")
        stage.feeder.go()
        stage.wait_outputs(1)
    stage.notes["may lose"] = dict.fromkeys(KINDS, (0, 0)) | {"app": (begun - 3_000_000, time.time_ns() // 1000)}


FAULTS = [
    Fault("reboot", reboot),
    Fault("damaged state", file_and_key_are_damaged, loses=True),
]
