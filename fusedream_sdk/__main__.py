"""`python -m fusedream_sdk` is `fusedream`."""

from __future__ import annotations

import sys

from fusedream_sdk.cli import main

if __name__ == "__main__":
    sys.exit(main())
