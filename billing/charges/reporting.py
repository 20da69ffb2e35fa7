"""What a person at a terminal, or a log, is told of an import."""

import csv
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from django.core.management.base import OutputWrapper

from billing.charges.fields import REASON_WORDS, FileRefused, Phase, Progress, Refusal
from billing.charges.importing import Outcome
from common.counting import counted

_BAR_CELLS = 24
# How often a log gets a line; a terminal's line is rewritten whenever there is news.
_SECONDS_A_LOG_LINE = 10.0
_PHASE_WORDS = {
    Phase.READING: "reading",
    Phase.CHECKING: "checking against accounts and earlier charges",
    Phase.TAKING: "taking",
}


class RefusedRows:
    """A CSV file of refused rows as they were, line and reason in front, to mend and import."""

    HEADER = ("refused_line", "refused_because")

    def __init__(self, stream: TextIO, *, delimiter: str) -> None:
        self._writer = csv.writer(stream, delimiter=delimiter)

    def begin(self, header: Sequence[str]) -> None:
        self._writer.writerow((*self.HEADER, *header))

    def add(self, refusal: Refusal) -> None:
        """Cells go out as they came in, formulas too: what is mended must be what was sent."""
        self._writer.writerow((refusal.line, refusal.said, *refusal.cells))


@contextmanager
def refused_rows_file(path: str, *, encoding: str, delimiter: str) -> Iterator[RefusedRows]:
    """``path``, overwritten. Bytes that could not be decoded are written back as they were."""
    try:
        stream = Path(path).open(  # noqa: SIM115 - closed below; only opening may be refused
            "w", encoding=encoding, errors="surrogateescape", newline=""
        )
    except OSError as error:
        raise FileRefused(f"{path}: {error.strerror}") from error
    with stream:
        yield RefusedRows(stream, delimiter=delimiter)


class TerminalReport:
    """Progress on ``err`` (a bar only on a terminal), refused rows and the sum of it on ``out``.

    Refused rows on consecutive lines that say the same are told as one range of lines. ``is_quiet``
    leaves the sum alone.
    """

    def __init__(
        self,
        *,
        out: OutputWrapper,
        err: OutputWrapper,
        is_quiet: bool = False,
        refused_rows: RefusedRows | None = None,
    ) -> None:
        self._out = out
        self._err = err
        self._is_quiet = is_quiet
        self._refused_rows = refused_rows
        self._range: tuple[int, int, str] | None = None
        self._began_at = self._logged_at = time.monotonic()
        self._has_bar = False

    # --- As a Listener ----------------------------------------------------------------------------

    def begin(self, header: Sequence[str], *, ignored: Sequence[str]) -> None:
        if self._refused_rows:
            self._refused_rows.begin(header)
        if ignored and not self._is_quiet:
            _write(self._err, f"Columns not used: {', '.join(ignored)}.\n")

    def progress(self, progress: Progress) -> None:
        if self._is_quiet:
            return
        now = time.monotonic()
        if self._err.isatty():
            _write(self._err, f"\r\x1b[2K{self._bar(progress)}")
            self._err.flush()
            self._has_bar = True
        elif progress.phase is not Phase.READING or now - self._logged_at >= _SECONDS_A_LOG_LINE:
            self._logged_at = now
            _write(self._err, f"{self._told(progress)}\n")

    def refuse(self, refusal: Refusal) -> None:
        self._end_bar()
        if self._refused_rows:
            self._refused_rows.add(refusal)
        if self._is_quiet:
            return
        if self._range and self._range[1:] == (refusal.line - 1, refusal.said):
            self._range = (self._range[0], refusal.line, refusal.said)
        else:
            self._end_range()
            self._range = (refusal.line, refusal.line, refusal.said)

    # --- The sum ----------------------------------------------------------------------------------

    def end(self, outcome: Outcome, *, name: str) -> None:
        """Say what became of the file, with the refused rows by reason."""
        self._end_bar()
        self._end_range()
        _write(self._out, "".join(f"{line}\n" for line in summary(outcome, name=name)))

    def _end_range(self) -> None:
        if self._range:
            first, last, said = self._range
            lines = f"line {first}" if first == last else f"lines {first}-{last}"
            _write(self._out, f"{lines}: {said}\n")
            self._range = None

    def _end_bar(self) -> None:
        if self._has_bar:
            _write(self._err, "\n")
            self._has_bar = False

    def _bar(self, progress: Progress) -> str:
        if not progress.bytes_total:
            return self._told(progress)
        part = min(progress.bytes_read / progress.bytes_total, 1.0)
        full = round(part * _BAR_CELLS)
        return f"[{'#' * full}{'.' * (_BAR_CELLS - full)}] {part:4.0%} {self._told(progress)}"

    def _told(self, progress: Progress) -> str:
        seconds = max(time.monotonic() - self._began_at, 0.001)
        return (
            f"{_PHASE_WORDS[progress.phase]}: {progress.rows:,} rows read,"
            f" {progress.rows - progress.refused:,} good, {progress.refused:,} refused"
            f" ({progress.rows / seconds:,.0f} rows a second)"
        )


def summary(outcome: Outcome, *, name: str) -> Iterator[str]:
    """Lines that say what became of the file."""
    would = "" if outcome.is_taken else "would be "
    yield f"{name}: {counted(outcome.rows, 'row')}"
    if outcome.rows:
        net = "; ".join(f"{currency} {amount:,}" for currency, amount in outcome.net.items())
        accounts = counted(outcome.accounts, "account")
        opened = f", {outcome.opened:,} of them {would}opened" if outcome.opened else ""
        told = f", for {accounts}{opened}; net of tax {net}" if outcome.taken else ""
        yield f"  {outcome.taken:,} {would}taken{told}"
    if outcome.taken_before:
        were = "was" if outcome.taken_before == 1 else "were"
        yield f"  {outcome.taken_before:,} {were} taken before"
    if outcome.refused_rows:
        yield f"  {outcome.refused_rows:,} refused:"
        for reason, count in outcome.refused.items():
            yield f"    {count:,} {REASON_WORDS[reason]}"


def _write(stream: OutputWrapper, text: str) -> None:
    """``text`` as it is: neither in the red of errors nor with a line end of Django's."""
    stream.write(text, style_func=str, ending="")
