"""SecLyzer's extractors: events of keyboard, mouse and focus in, behavioural features out.

The data's way, one module a step: `source` -> `event` -> `core` (by `windowing` or `apps`) -> `emit` -> `output` ->
`publish` and `store`. `service` runs them, `replay` does the same from a file.
"""
