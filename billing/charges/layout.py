"""How the columns of a file become fields: from a mapping file, from options, or our own format."""

import codecs
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from billing.charges.fields import REQUIRED, Field, FileRefused

_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars", ",": "commas"}


class AccountsBy(StrEnum):
    """What the ``account`` column holds."""

    EITHER = "either"
    NUMBER = "number"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What is taken off a value before it is used: such as the ``.0`` of ids read as floats."""

    strip_prefix: str = ""
    strip_suffix: str = ""

    def clean(self, value: str) -> str:
        return value.removeprefix(self.strip_prefix).removesuffix(self.strip_suffix).strip()


@dataclass(frozen=True, slots=True)
class Layout:
    """A file's form. Without anything said, it is our own format: see docs/importing-charges.md.

    ``columns`` names the column of a field where it is not the field's own name. ``defaults`` stand
    in for a missing column and for an empty cell. ``countries`` turns names into ISO 3166-1 codes;
    its keys are compared without regard to case.
    """

    columns: Mapping[Field, str] = field(default_factory=dict)
    defaults: Mapping[Field, str] = field(default_factory=dict)
    cleaning: Mapping[Field, Cleaning] = field(default_factory=dict)
    countries: Mapping[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"
    delimiter: str = ","
    decimal_mark: str = "."
    # As strptime takes it; empty for ISO 8601 (2026-01-31, with or without a time of day).
    date_format: str = ""
    accounts_by: AccountsBy = AccountsBy.EITHER

    def with_columns(self, columns: Mapping[Field, str]) -> Self:
        return replace(self, columns={**self.columns, **columns})

    def with_defaults(self, defaults: Mapping[Field, str]) -> Self:
        return replace(self, defaults={**self.defaults, **defaults})

    def with_only_seller(self, codes: Sequence[str]) -> Self:
        """With a single seller there is nothing to say. Raises FileRefused when there is none."""
        if not codes:
            raise FileRefused("there is no seller yet: make one before its charges.")
        if len(codes) > 1:
            return self
        return replace(self, defaults={Field.SELLER: codes[0], **self.defaults})

    def with_file(self, *, encoding: str | None, delimiter: str | None) -> Self:
        """What is None stays as it is. Raises FileRefused for an unknown encoding."""
        changed = self
        if encoding is not None:
            changed = replace(changed, encoding=_encoding(encoding))
        if delimiter is not None:
            changed = replace(changed, delimiter=_one_character("--delimiter", delimiter))
        return changed

    def locate(self, header: Sequence[str]) -> dict[Field, int]:
        """Where each field stands in a row that has this header.

        Raises FileRefused when a required field has neither a column nor a default, when a mapped
        column is missing, or when a column that is needed is there twice.
        """
        names = [name.strip() for name in header]
        found: dict[Field, int] = {}
        for wanted in Field:
            name = self.columns.get(wanted, wanted.value)
            if names.count(name) > 1:
                raise FileRefused(f"the column “{name}” is there twice.")
            if name in names:
                found[wanted] = names.index(name)
            elif wanted in self.columns:
                raise FileRefused(
                    f"there is no column “{name}” for {wanted}. {self._columns_told(names)}"
                )
        missing = [name for name in REQUIRED if name not in found and not self.defaults.get(name)]
        if missing:
            raise FileRefused(
                f"nothing says what is {' or '.join(missing)}: a column of that name, --map,"
                f" --default or a mapping file can. {self._columns_told(names)}"
            )
        return found

    def _columns_told(self, names: Sequence[str]) -> str:
        told = f"The columns are {', '.join(f'“{name}”' for name in names)}."
        if len(names) == 1:
            for other, word in _DELIMITERS.items():
                if other in names[0] and other != self.delimiter:
                    return f"{told} They look divided by {word}: say --delimiter '{other}'."
        return told


def load_layout(path: str) -> Layout:
    """The mapping file at ``path`` (TOML). Raises FileRefused, naming what is wrong in it."""
    try:
        with Path(path).open("rb") as stream:
            said = tomllib.load(stream)
    except OSError as error:
        raise FileRefused(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FileRefused(f"{path} is no TOML: {error}") from error
    try:
        return _layout(said)
    except FileRefused as error:
        raise FileRefused(f"{path}: {error}") from error


def field_named(name: str) -> Field:
    """The field of this name. Raises FileRefused with the names there are."""
    try:
        return Field(name)
    except ValueError as error:
        raise FileRefused(
            f"there is no field “{name}”: the fields are {', '.join(Field)}."
        ) from error


def _layout(said: Mapping[str, Any]) -> Layout:
    sections = {"file", "columns", "defaults", "clean", "countries"}
    if unknown := said.keys() - sections:
        raise FileRefused(
            f"[{min(unknown)}] is no section: there are {', '.join(sorted(sections))}."
        )
    tables = {name: _table(name, said.get(name, {})) for name in sections}
    layout = Layout(
        columns=_texts_by_field("columns", tables["columns"]),
        defaults=_texts_by_field("defaults", tables["defaults"]),
        cleaning={
            field_named(name): _cleaning(name, rules) for name, rules in tables["clean"].items()
        },
        countries={
            name.strip().casefold(): _text("countries", name, code)
            for name, code in tables["countries"].items()
        },
    )
    return replace(layout, **_file_options(tables["file"]))


def _file_options(table: Mapping[str, Any]) -> dict[str, Any]:
    options = {name: _text("file", name, value) for name, value in table.items()}
    known = {"encoding", "delimiter", "decimal_mark", "date_format", "accounts_by"}
    if unknown := options.keys() - known:
        raise FileRefused(f"[file] knows no “{min(unknown)}”, only {', '.join(sorted(known))}.")
    checked: dict[str, Any] = dict(options)
    if "encoding" in options:
        checked["encoding"] = _encoding(options["encoding"])
    if "delimiter" in options:
        checked["delimiter"] = _one_character("delimiter", options["delimiter"])
    if options.get("decimal_mark", ".") not in (".", ","):
        raise FileRefused("[file] decimal_mark is “.” or “,”.")
    if "accounts_by" in options:
        if options["accounts_by"] not in list(AccountsBy):
            raise FileRefused(f"[file] accounts_by is one of {', '.join(AccountsBy)}.")
        checked["accounts_by"] = AccountsBy(options["accounts_by"])
    return checked


def _table(name: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise FileRefused(f"[{name}] is a section, not a value.")
    return value


def _text(section: str, name: str, value: object) -> str:
    """Numbers are refused rather than turned into text: 007 and 7 are different ids."""
    if not isinstance(value, str):
        raise FileRefused(f"[{section}] {name} needs a text in quotation marks.")
    return value


def _texts_by_field(section: str, table: Mapping[str, Any]) -> dict[Field, str]:
    return {field_named(name): _text(section, name, value) for name, value in table.items()}


def _cleaning(name: str, rules: object) -> Cleaning:
    table = _table(f"clean.{name}", rules)
    if unknown := table.keys() - {"strip_prefix", "strip_suffix"}:
        raise FileRefused(
            f"[clean.{name}] knows strip_prefix and strip_suffix, not “{min(unknown)}”."
        )
    return Cleaning(**{rule: _text(f"clean.{name}", rule, value) for rule, value in table.items()})


def _encoding(name: str) -> str:
    """The codec's one name, so that "UTF8" and "utf-8" are the same."""
    try:
        "x".encode(name)  # refuses codecs that are no text encodings, such as base64
        return codecs.lookup(name).name
    except LookupError as error:
        raise FileRefused(f"there is no encoding “{name}”.") from error


def _one_character(name: str, value: str) -> str:
    if len(value) != 1 or value in '\r\n"':
        raise FileRefused(f"{name} is one character, such as “;” or a tab.")
    return value
