"""What ends the agent, or one of its commands, with a sentence."""

from __future__ import annotations


class ConfigError(Exception):
    """The configuration is wrong; the message is one line that says what, and what is allowed."""
