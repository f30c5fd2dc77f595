"""Builds what site.yml rolls out: Rust programs, a ready Python tree for each Debian release, vectors, hashes."""


class BundleError(Exception):
    """Something that a person can mend; the message is a sentence."""
