"""`python -m bench`."""

import sys

from bench.dev.cli import main

if __name__ == "__main__":
    sys.exit(main())
