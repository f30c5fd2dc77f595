"""Several faults one upon the other, in an order of chance, with a kill between them."""

from .campaign import Fault
from .influx_faults import LATER, answers
from .influx_tap import HALF_ANSWER
from .kills import Killer
from .redis_faults import client_kill, frozen, half_open, in_doubt, no_auth, out_of_memory
from .stage import KINDS, Stage
from .time_faults import suspended

PLAYS = {
    "client kill": client_kill,
    "noauth": no_auth,
    "out of memory": out_of_memory,
    "half-open": half_open,
    "EXEC in doubt": in_doubt,
    "redis frozen": frozen,
    "suspended extractor": suspended,
    "429 and half an answer": answers(LATER, HALF_ANSWER, spools=True),
}
AT_A_TIME = 3


def storm(stage: Stage) -> None:
    """None of these empties Redis, so that a kill between them loses nothing."""
    names = stage.random.sample(list(PLAYS), AT_A_TIME)
    for name in names:
        PLAYS[name](stage)
        for kind in stage.random.sample(KINDS, 2):
            Killer(stage, kind, lambda: stage.implementation).kill("random")
        stage.wait_outputs(1)
    stage.notes["storm"] = names


FAULTS = [Fault("storm", storm, {"SECLYZER_INFLUX_RETRY_SECONDS": "1"})]
