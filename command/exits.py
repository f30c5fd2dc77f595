"""Exit statuses: those of monitoring plugins, so that a script or a cron job can go by them."""

WELL, DEGRADED, BROKEN, UNKNOWN = 0, 1, 2, 3
USAGE = 64
INTERRUPTED, UNREAD = 130, 141
"""As of programs that SIGINT and SIGPIPE end: a shell's `pipefail` and scripts know them."""

MEANINGS = (
    (WELL, "all is well, or it was done"),
    (DEGRADED, "something needs an operator, and data flows (warn)"),
    (BROKEN, "something is broken, or it could not be done (fail)"),
    (UNKNOWN, "nothing is known: SecLyzer is not on this host, or it needs sudo"),
    (USAGE, "the command line is wrong"),
    (INTERRUPTED, "Ctrl-C ended it"),
    (UNREAD, "what reads its output, such as head, has ended first"),
)


class Stop(Exception):
    """The end of a command: a sentence for stderr, and the exit status."""

    def __init__(self, words: str, status: int = BROKEN) -> None:
        super().__init__(words)
        self.status = status
