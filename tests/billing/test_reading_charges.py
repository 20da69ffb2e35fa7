"""From bytes to rows, and mapping files to layouts. Nothing here needs a database."""

import gzip
import hashlib
import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from billing.charges.fields import Field, FileRefused
from billing.charges.layout import AccountsBy, Cleaning, Layout, load_layout
from billing.charges.reading import Row, Source, open_source, read_rows


def rows_of(content: bytes, *, encoding: str = "utf-8", delimiter: str = ",") -> list[Row]:
    source = Source(io.BytesIO(content), name="charges.csv", size=len(content))
    return list(read_rows(source, encoding=encoding, delimiter=delimiter))


def test_rows_carry_the_physical_line_they_start_on() -> None:
    rows = rows_of(b'a,b\n\n1,"two\nlines"\r\n\n\n3,4\r5,6')
    assert [(row.line, row.cells) for row in rows] == [
        (1, ["a", "b"]),
        (3, ["1", "two\nlines"]),
        (7, ["3", "4"]),
        (8, ["5", "6"]),
    ]


def test_a_byte_order_mark_is_no_part_of_the_first_column() -> None:
    assert rows_of(b"\xef\xbb\xbfa,b\n")[0].cells == ["a", "b"]


def test_gzip_is_recognised_by_content_and_hashed_as_it_was_given() -> None:
    plain, packed = b"a,b\n1,2\n", gzip.compress(b"a,b\n1,2\n", mtime=0)
    assert rows_of(packed) == rows_of(plain)
    source = Source(io.BytesIO(packed), name="x", size=len(packed))
    list(read_rows(source, encoding="utf-8", delimiter=","))
    assert source.bytes_read == len(packed)


def test_the_hash_is_that_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "charges.csv"
    file.write_bytes(b"a,b\n1,2\n")
    with open_source(str(file)) as source:
        list(read_rows(source, encoding="utf-8", delimiter=","))
    assert source.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


def test_other_encodings_are_read_when_they_are_named() -> None:
    assert rows_of("a\nMüller\n".encode("latin-1"), encoding="iso8859-1")[1].cells == ["Müller"]
    assert rows_of("a\nΜπύρα\n".encode("utf-16"), encoding="utf-16")[1].cells == ["Μπύρα"]


def test_bytes_in_another_encoding_fault_their_row_and_no_other() -> None:
    rows = rows_of(b"a\ngood\nM\xfcller\ngood\n")
    assert [row.fault for row in rows] == ["", "", "holds bytes that are not UTF-8", ""]


def test_misplaced_quotation_marks_fault_their_row_and_no_other() -> None:
    rows = rows_of(b'a,b\n"1"x,2\n3,4\n')
    assert [bool(row.fault) for row in rows] == [False, True, False]
    assert rows[2].cells == ["3", "4"]


def test_a_fault_names_the_delimiter_in_print() -> None:
    rows = rows_of(b'a\tb\n"1"x\t2\n', delimiter="\t")
    assert rows[1].fault == "is no CSV ('\\t' expected after '\"')"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'a,b\n1,2\n3,"4\n', "opened on line 3 and never closed"),
        (b'a,b\n1,"' + b"\n" * 200, "the row on line 2 goes on for more than 100 lines"),
        (b"a,b\n" + b"x" * 200_000, "line 2 is longer than 100,000 characters"),
        (b"PK\x03\x04...", "a workbook or a ZIP archive"),
        (b"%PDF-1.7", "a PDF"),
        ("a,b\n".encode("utf-16"), "UTF-16: say --encoding utf-16"),
        (gzip.compress(b"a,b\n1,2\n" * 9000, mtime=0)[:-40], "damaged or incomplete gzip file"),
        (gzip.compress(b"a,b\n", mtime=0)[:5], "damaged or incomplete gzip file"),
        (b"\x1f\x8b but no gzip", "damaged or incomplete gzip file"),
    ],
)
def test_a_file_of_another_kind_is_refused_as_a_whole(content: bytes, said: str) -> None:
    with pytest.raises(FileRefused, match=said):
        rows_of(content)


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    for path, said in ((tmp_path / "none.csv", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(FileRefused, match=said), open_source(str(path)):
            pass


def test_reading_takes_no_more_memory_for_a_longer_file(
    resident_kilobytes: Callable[[], int],
) -> None:
    """A pipe that never ends would be read for ever, so a long one has to do: 60 MB of rows."""
    line = b"100001,Virtual server,2,9.90,EUR,2026-01-31,service,north\n"

    class Pipe:
        left = 60_000_000 // len(line)

        def read(self, size: int, /) -> bytes:
            lines = min(self.left, max(size, len(line)) // len(line))
            self.left -= lines
            return line * lines

    source = Source(Pipe(), name="pipe", size=None)
    rows = read_rows(source, encoding="utf-8", delimiter=",")
    for _ in range(1000):
        next(rows)
    before = resident_kilobytes()
    assert sum(1 for _ in rows) > 900_000
    assert resident_kilobytes() - before < 8_000


@pytest.fixture
def resident_kilobytes() -> Callable[[], int]:
    """The resident memory of this process, now."""
    page = os.sysconf("SC_PAGE_SIZE") // 1024
    return lambda: int(Path("/proc/self/statm").read_text().split()[1]) * page


# --- Mapping files --------------------------------------------------------------------------------


def layout_of(folder: Path, text: str) -> Layout:
    file = folder / "mapping.toml"
    file.write_text(text)
    return load_layout(str(file))


def test_a_mapping_file_says_all_about_a_files_form(tmp_path: Path) -> None:
    layout = layout_of(
        tmp_path,
        """
        [file]
        encoding = "UTF8"
        delimiter = ";"
        decimal_mark = ","
        date_format = "%d.%m.%Y"
        accounts_by = "reference"
        [columns]
        account = "Kunde"
        [defaults]
        currency = "EUR"
        [clean.account]
        strip_suffix = ".0"
        [countries]
        "EIRE" = "IE"
        """,
    )
    assert layout == Layout(
        columns={Field.ACCOUNT: "Kunde"},
        defaults={Field.CURRENCY: "EUR"},
        cleaning={Field.ACCOUNT: Cleaning(strip_suffix=".0")},
        countries={"eire": "IE"},
        encoding="utf-8",
        delimiter=";",
        decimal_mark=",",
        date_format="%d.%m.%Y",
        accounts_by=AccountsBy.REFERENCE,
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[columns", "is no TOML"),
        ("[colums]\naccount = 'x'", r"\[colums\] is no section"),
        ("columns = 3", r"\[columns\] is a section"),
        ("[columns]\nacount = 'x'", "there is no field “acount”: the fields are account,"),
        ("[columns]\naccount = 3", "needs a text in quotation marks"),
        ("[file]\nencoding = 'utf-9'", "there is no encoding “utf-9”"),
        ("[file]\nencoding = 'base64'", "there is no encoding “base64”"),
        ("[file]\ndelimiter = ';;'", "delimiter is one character"),
        ("[file]\ndecimal_mark = '·'", "decimal_mark is"),
        ("[file]\naccounts_by = 'name'", "accounts_by is one of either, number, reference"),
        ("[file]\nseparator = ';'", r"\[file\] knows no “separator”"),
        ("[clean.account]\nstrip = '.0'", "knows strip_prefix and strip_suffix"),
    ],
)
def test_a_wrong_mapping_file_is_refused_by_what_is_wrong_in_it(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(FileRefused, match=said):
        layout_of(tmp_path, text)
