"""The proof of parity: the Python and the Rust extractors against each other and against the contract
(`docs/contract.md`).

`naive*` is a third transcription of the contract: the whole stream at once, slow, plain. It was written from
the contract alone and shares no code with the two implementations.
"""
