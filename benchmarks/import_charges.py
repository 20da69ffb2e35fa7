"""How quickly a long file of charges comes in, and in how much memory.

    python benchmarks/import_charges.py

Takes 500,000 generated rows of 20,000 accounts: with every account to be opened, then as many new
rows of the same accounts, then those again, of which nothing may be taken.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks._installation import own_installation


def main() -> int:
    with own_installation() as installation:
        return installation.run("_import_table")


if __name__ == "__main__":
    sys.exit(main())
