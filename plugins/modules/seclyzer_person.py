#!/usr/bin/python
"""Documentation of the action of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: seclyzer_person
short_description: Select a person's data, and report what became of it
version_added: "0.1.0"
description:
  - C(words) refuses a selection of no one, of everyone, or of an impossible time, and reports which edges to ask.
  - C(report) reads what the plays registered on every host, writes a report for people and one as JSON into O(folder),
    both for this user alone, and returns what is still open. After an export it also checks what was fetched and writes
    C(manifest.json).
author: The SecLyzer maintainers (@seclyzer)
options:
  step:
    description: Which part of the work to do.
    type: str
    required: true
    choices: [words, report]
  user:
    description: The person's C(user_id).
    type: str
    default: ""
  host:
    description: The host's name in the inventory, or one that only the store still knows.
    type: str
    default: ""
  since:
    description: A date, or a date and time in ISO 8601, UTC when it names no zone.
    type: str
    default: ""
  until:
    description: The like; what happened at that time is not selected any more.
    type: str
    default: ""
  what:
    description: What was done.
    type: str
    default: forget
    choices: [forget, export]
  folder:
    description: Where the report goes, on the controller.
    type: path
attributes:
  check_mode:
    description: Writes no report.
    support: full
"""

EXAMPLES = r"""
- name: Select whose data is reported
  seclyzer.edge.seclyzer_person:
    step: words
    user: ann
    since: 2026-11-01
  register: __seclyzer_person
"""

RETURN = r"""
edges:
  description: With C(words), the edges to ask.
  type: list
  elements: str
  returned: words
since:
  description: With C(words), µs since 1970; C(until) likewise, 0 for no bound.
  type: int
  returned: words
open:
  description: With C(report), what is not done, a sentence each.
  type: list
  elements: str
  returned: report
report:
  description: With C(report), the files written.
  type: list
  elements: str
  returned: report
"""
