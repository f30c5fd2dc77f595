"""`python -m tests.fuzz` is `python -m tests.fuzz.soak`."""

import sys

from .soak import main

sys.exit(main())
