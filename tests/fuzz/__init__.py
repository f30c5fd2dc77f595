"""Bad input: random messages, files and answers, and the same verdict on them in both implementations.

`tests.parity.naive_parse`, which shares no code with the two, says what a message is. The short form runs in the
suite `fuzz`; `python -m tests.fuzz.soak` is the long one.
"""

import sys
from pathlib import Path

_EXTRACTORS = str(Path(__file__).resolve().parents[2] / "extractors" / "python")
if _EXTRACTORS not in sys.path:
    sys.path.append(_EXTRACTORS)  # outside of pytest, which knows the way
