"""A month of a real wholesaler, from CSV to mailboxes, by the processes that an operator runs.

    python benchmarks/retail_month.py

Prints what came of it beside what the file itself adds up to, and what each step cost. The file is
"Online Retail" (see online-retail.toml), found through ``COUNTERFOIL_RETAIL_DATA`` or beside the
checkout; without it the project's small sample has to do, and the table says so.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks._installation import own_installation


def main() -> int:
    with own_installation() as installation:
        return installation.run("_retail_table")


if __name__ == "__main__":
    sys.exit(main())
