"""What the extractors cost, measured side by side: Rust and Python, one run, one machine, the same real work.

Everything here but `dev` needs the standard library only and goes with every release to the hosts.
"""


class BenchError(Exception):
    """Something that a person can mend; the message is a sentence."""


IMPLEMENTATIONS = ("rust", "python")
SUBJECTS = (*IMPLEMENTATIONS, "agent", "node_exporter")
"""What has figures: the implementations of the extractors, the health agent, and what the agent is compared with."""
PROGRAMS = {"keystroke": "keystroke_extractor", "mouse": "mouse_extractor", "app": "app_tracker"}
KINDS = tuple(PROGRAMS)
