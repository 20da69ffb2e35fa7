"""From bytes to rows with their line numbers, in constant memory whatever the file holds."""

import csv
import gzip
import hashlib
import io
import os
import re
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol, TextIO

from billing.charges.fields import FileRefused
from billing.charges.values import quoted

# A longer line is no line of charges but a file of another kind.
_MOST_CHARACTERS_OF_A_LINE = 100_000
# A row that goes on for longer has a quotation mark that nobody closed.
_MOST_LINES_OF_A_ROW = 100
_BUFFER = 1 << 16
_DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile)
_UNDECODABLE = re.compile("[\udc80-\udcff]")
_SIGNATURES = {
    b"PK\x03\x04": "a workbook or a ZIP archive: save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: save the sheet as CSV",
    b"%PDF": "a PDF",
}


class Row(NamedTuple):
    """``line`` is the physical line on which it starts; ``fault`` says why it is unreadable."""

    line: int
    cells: list[str]
    fault: str


class Readable(Protocol):
    """What bytes come from; an empty piece is the end."""

    def read(self, size: int, /) -> bytes: ...


class Source(io.RawIOBase):
    """The bytes of a file or of standard input, counted and hashed as they pass."""

    def __init__(self, stream: Readable, *, name: str, size: int | None) -> None:
        super().__init__()
        self._stream = stream
        self._hash = hashlib.sha256()
        self.name = name
        self.size = size
        self.bytes_read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        piece = self._stream.read(len(buffer))
        buffer[: len(piece)] = piece
        self._hash.update(piece)
        self.bytes_read += len(piece)
        return len(piece)

    @property
    def sha256(self) -> str:
        """SHA-256 in hex of what has been read, as it was given: compressed if it was."""
        return self._hash.hexdigest()


@contextmanager
def open_source(path: str) -> Iterator[Source]:
    """The file at ``path``, or standard input for ``-``. Raises FileRefused if there is none."""
    if path == "-":
        yield Source(sys.stdin.buffer, name="standard input", size=None)
        return
    try:
        with Path(path).open("rb") as stream:
            yield Source(stream, name=Path(path).name, size=os.fstat(stream.fileno()).st_size)
    except OSError as error:
        raise FileRefused(f"{path}: {error.strerror}") from error


def read_rows(source: Source, *, encoding: str, delimiter: str) -> Iterator[Row]:
    """Every row, the header first; empty lines are left out. gzip is recognised by its content.

    A row that is no CSV or not in ``encoding`` comes with a fault. Raises FileRefused when what
    follows cannot be trusted: a damaged archive, an unclosed quotation mark, another kind of file.
    """
    lines = _Lines(_text(source, encoding=encoding), name=source.name, encoding=encoding)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = lines.row_starts()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if lines.has_ended:
                raise FileRefused(
                    f"a quotation mark is opened on line {line} and never closed."
                ) from error
            yield Row(line, [], f"is no CSV ({_in_print(error)})")
            continue
        if lines.is_undecodable:
            yield Row(line, cells, f"holds bytes that are not {encoding.upper()}")
        elif cells:
            yield Row(line, cells, "")


def _text(source: Source, *, encoding: str) -> TextIO:
    """``source`` decoded; bytes that are not ``encoding`` become surrogates, found line by line."""
    buffered = io.BufferedReader(source, buffer_size=_BUFFER)
    start = buffered.peek(4)
    if start.startswith(b"\x1f\x8b"):
        # typeshed asks for a writable file, though reading needs none.
        unpacked = gzip.GzipFile(fileobj=buffered, mode="rb")
        buffered = io.BufferedReader(unpacked, buffer_size=_BUFFER)  # type: ignore[arg-type]
        try:
            start = buffered.peek(4)
        except _DAMAGE as error:
            raise _damaged(source.name, after=0) from error
    for signature, kind in _SIGNATURES.items():
        if start.startswith(signature):
            raise FileRefused(f"{source.name} is {kind}.")
    if start[:2] in (b"\xff\xfe", b"\xfe\xff") and not encoding.startswith("utf-16"):
        raise FileRefused(f"{source.name} is UTF-16: say --encoding utf-16.")
    # "utf-8-sig" reads UTF-8 with a byte order mark and without.
    codec = "utf-8-sig" if encoding == "utf-8" else encoding
    return io.TextIOWrapper(buffered, encoding=codec, errors="surrogateescape", newline="")


class _Lines:
    """Physical lines for the CSV reader, which counts them; a row may take several."""

    def __init__(self, stream: TextIO, *, name: str, encoding: str) -> None:
        self._stream = stream
        self._name = name
        self._encoding = encoding
        self._number = 0
        self._row_start = 1
        self.is_undecodable = False
        self.has_ended = False

    def row_starts(self) -> int:
        """Forget the last row's faults; the number of the line on which the next row starts."""
        self.is_undecodable = False
        self._row_start = self._number + 1
        return self._row_start

    def __iter__(self) -> Iterator[str]:
        while line := self._read():
            self._number += 1
            if len(line) == _MOST_CHARACTERS_OF_A_LINE:
                raise FileRefused(
                    f"line {self._number} is longer than {_MOST_CHARACTERS_OF_A_LINE:,}"
                    " characters. Is this a CSV file?"
                )
            if self._number - self._row_start == _MOST_LINES_OF_A_ROW:
                raise FileRefused(
                    f"the row on line {self._row_start} goes on for more than"
                    f" {_MOST_LINES_OF_A_ROW} lines: is a quotation mark not closed?"
                )
            if not line.isascii() and _UNDECODABLE.search(line):
                self.is_undecodable = True
            yield line
        self.has_ended = True

    def _read(self) -> str:
        try:
            return self._stream.readline(_MOST_CHARACTERS_OF_A_LINE)
        except _DAMAGE as error:
            raise _damaged(self._name, after=self._number) from error
        except UnicodeError as error:
            raise FileRefused(
                f"{self._name} is not {self._encoding.upper()} after line {self._number}."
            ) from error


def _in_print(error: csv.Error) -> str:
    """The reader's words, which name the delimiter as it is: a tab may not stand in a report."""
    return quoted(str(error).replace("\t", "\\t"))


def _damaged(name: str, *, after: int) -> FileRefused:
    return FileRefused(f"{name} is a damaged or incomplete gzip file: it ends after line {after}.")
