"""Ports of the loopback."""

from lab.ports import free_port

__all__ = ["free_port"]
