"""Small programs of the tests' own that run on a host, as root, with Debian's Python 3.11 or 3.13 and nothing else.

Each has a `main` that takes and returns what JSON can hold. Secrets are read here and never returned.
"""
