"""The retail month as a table. Started by ``retail_month.py`` in an installation of its own."""

import os
import sys

import django

django.setup()

from benchmarks._installation import ROOT, end_in_order, postgres_pid_of  # noqa: E402 - after the set-up
from benchmarks._ledger import expect, retail_file  # noqa: E402
from benchmarks._processes import Meter, Peaks  # noqa: E402
from benchmarks._retail import run_month  # noqa: E402
from benchmarks._retail_report import facts, table  # noqa: E402
from common.embedded.places import Places  # noqa: E402
from tests.mail.sink import running_sink  # noqa: E402


def main() -> int:
    end_in_order()
    file, is_real = retail_file()
    if not is_real:
        print(f"*** THE REAL MONTH WAS NOT FOUND: these are figures of our own {file.name}. ***\n")
    places = Places.of_environment()
    peaks = Peaks()
    with running_sink() as sink, peaks.looking():
        mail_goes_to = {"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": str(sink.port)}
        meter = Meter(
            environment={**os.environ, **mail_goes_to, "EMAIL_USE_TLS": "0"},
            folder=ROOT,
            log=places.log,
            postgres=postgres_pid_of(places),
            peaks=peaks,
        )
        month = run_month(file, meter=meter, sink=sink, say=_say)
    expected = expect(file)
    for line in table(month, expected, peaks):
        print(line)
    if wrong := [fact.name for fact in facts(month, expected, peaks) if not fact.holds]:
        print(f"\nNOT AS IT MUST BE: {', '.join(wrong)}")
    return 1 if wrong else 0


def _say(text: str) -> None:
    print(f"… {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
