"""SecLyzer's extractors: events of keyboard, mouse and focus in, behavioural features out.

Data's way, one module a step: `event` -> `core` (over `window`, `keystroke`, `mouse`, `apps`, `stats`) ->
`output` -> `publish` and `store`. Around it `source`, `cursor`, `replay`, `config`, `service`, `cli`.
"""
