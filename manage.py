#!/usr/bin/env python
"""Django's command line. `make help` lists what there is beside it."""

import os
import sys

from django.conf import settings
from django.core.management import execute_from_command_line
from django.db import OperationalError

from common.embedded import postgres
from common.embedded.places import Places


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        execute_from_command_line(sys.argv)
    except OperationalError:
        if settings.EMBEDDED and not postgres.runs(Places.of_environment()):
            sys.exit(
                "The embedded PostgreSQL is not running."
                " Start it with `make run` or `make demo` in another window."
            )
        raise


if __name__ == "__main__":
    main()
