"""What tests of more than one folder share: waiting, the servers that they start, free ports. One place for each."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
