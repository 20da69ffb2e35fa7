"""Who sells, who buys and how it is paid, as frozen on an issued invoice.

The objects here are stored as JSON on the invoice and are part of what its hash covers, so the
same object always gives the same JSON, for ever: empty values are left out (a field added later
changes no hash made before it), text is in one normal form, and each object carries the version of
its shape. Business terms (BT, BG) are those of EN 16931-1.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from functools import cache
from typing import ClassVar, Self, get_type_hints

# EN 16931 knows three address lines (BT-35, BT-36, BT-162 and their likes) and no more.
MOST_ADDRESS_LINES = 3

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_SPACES = re.compile(r"[ \t]+")
_COUNTRY = re.compile(r"[A-Z]{2}")
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_LOGO = re.compile(r"[a-z0-9][a-z0-9_-]*\.(png|jpg)")
_LAST_FOUR = re.compile(r"[0-9]{4}")
_MEANS_CODE = re.compile(r"[0-9]{1,3}|ZZZ")

# How it is paid, by UNTDID 4461.
CREDIT_TRANSFER = "30"
SEPA_CREDIT_TRANSFER = "58"
_CREDIT_TRANSFERS = frozenset({CREDIT_TRANSFER, SEPA_CREDIT_TRANSFER})
_TRANSFERS = _CREDIT_TRANSFERS | {"31", "42"}
_DEBITS = frozenset({"49", "59"})
_CARDS = frozenset({"48", "54", "55"})

_MULTILINE = {"multiline": True}


class SnapshotInvalid(ValueError):
    """A value, or stored JSON, that is not a party, an address or a means of payment."""


def one_line(text: str) -> str:
    """``text`` in Unicode NFC on one line: control characters and runs of space become a space."""
    text = unicodedata.normalize("NFC", text)
    return _SPACES.sub(" ", _CONTROL.sub(" ", text)).strip()


def some_lines(text: str) -> str:
    """Like :func:`one_line`, line by line; empty lines at the ends go, line feeds stay."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(one_line(line) for line in lines).strip("\n")


def canonical_json(value: Mapping[str, object]) -> bytes:
    """The one spelling of ``value`` in bytes: keys sorted, no spaces, UTF-8. What hashes cover."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A frozen group of values that goes to JSON and comes back equal."""

    VERSION: ClassVar[int] = 1

    def __post_init__(self) -> None:
        for spec in fields(self):
            value = getattr(self, spec.name)
            clean = some_lines if spec.metadata.get("multiline") else one_line
            if isinstance(value, str):
                object.__setattr__(self, spec.name, clean(value))
            elif isinstance(value, tuple):
                lines = tuple(filter(None, map(clean, value)))
                object.__setattr__(self, spec.name, lines)

    def to_json(self) -> dict[str, object]:
        """Plain values for a JSON column; what is empty is left out."""
        stored: dict[str, object] = {"version": self.VERSION}
        for spec in fields(self):
            value = getattr(self, spec.name)
            if value not in ("", (), None):
                stored[spec.name] = _plain(value)
        return stored

    @classmethod
    def from_json(cls, stored: object) -> Self:
        """The object that ``to_json`` gave ``stored`` for; anything else is refused.

        Raises SnapshotInvalid on another version, an unknown name or a value of the wrong type:
        what was frozen is read as it was written or not at all.
        """
        if not isinstance(stored, Mapping) or stored.get("version") != cls.VERSION:
            raise SnapshotInvalid(f"not a {cls.__name__} of version {cls.VERSION}")
        hints = cls._hints()
        given = {name: value for name, value in stored.items() if name != "version"}
        if unknown := given.keys() - hints.keys():
            raise SnapshotInvalid(f"{cls.__name__} has no {', '.join(sorted(unknown))}")
        try:
            return cls(**{name: _value(hints[name], value) for name, value in given.items()})
        except TypeError as error:
            raise SnapshotInvalid(f"{cls.__name__}: {error}") from error

    @classmethod
    @cache
    def _hints(cls) -> dict[str, object]:
        """The types of the fields by name. The class variables are no fields."""
        hints = get_type_hints(cls)
        return {spec.name: hints[spec.name] for spec in fields(cls)}

    def _require(self, name: str, pattern: re.Pattern[str], *, optional: bool = True) -> None:
        value = getattr(self, name)
        if not (pattern.fullmatch(value) or (optional and value == "")):
            raise SnapshotInvalid(f"{type(self).__name__}: {name} cannot be {value!r}")


@dataclass(frozen=True, slots=True)
class PostalAddress(Snapshot):
    """BG-5 and BG-8. Only the country is required, as in EN 16931 (BT-40, BT-55)."""

    country: str
    lines: tuple[str, ...] = ()
    postcode: str = ""
    city: str = ""
    subdivision: str = ""

    def __post_init__(self) -> None:
        Snapshot.__post_init__(self)
        self._require("country", _COUNTRY, optional=False)
        if len(self.lines) > MOST_ADDRESS_LINES:
            raise SnapshotInvalid(f"PostalAddress: more than {MOST_ADDRESS_LINES} lines")


@dataclass(frozen=True, slots=True)
class Party(Snapshot):
    """BG-4 (seller) or BG-7 (buyer): all that a document prints about one side.

    ``name`` is the legal name, of the organisation or the person who is invoiced (BT-27, BT-44);
    a person to address within an organisation is ``contact_name`` (BT-41, BT-56).
    """

    name: str
    address: PostalAddress
    trading_name: str = ""  # BT-28, BT-45
    contact_name: str = ""
    phone: str = ""  # BT-42, BT-57
    email: str = ""  # BT-43, BT-58
    website: str = ""
    tax_number: str = ""  # BT-31, BT-48: the VAT identifier, with its country prefix
    tax_registration: str = ""  # BT-32: a local tax number such as the German Steuernummer
    registration_id: str = ""  # BT-30, BT-47: the number in the company register
    registration_scheme: str = ""  # ISO 6523 code of that register
    identifier: str = ""  # BT-29, BT-46: such as a GLN
    identifier_scheme: str = ""
    electronic_address: str = ""  # BT-34, BT-49
    electronic_address_scheme: str = ""
    legal_information: str = field(default="", metadata=_MULTILINE)  # BT-33: capital, court, board
    logo: str = ""  # the name of an installed picture, seller only
    colour: str = ""  # "#rrggbb", seller only

    def __post_init__(self) -> None:
        Snapshot.__post_init__(self)
        if not self.name:
            raise SnapshotInvalid("Party: a name is required")
        object.__setattr__(self, "colour", self.colour.lower())
        # Both end in what the PDF engine reads: a name with a path, or a colour with a style sheet
        # behind it, must not get that far.
        self._require("colour", _COLOUR)
        self._require("logo", _LOGO)


@dataclass(frozen=True, slots=True)
class PaymentMeans(Snapshot):
    """BG-16: how the amount due is paid or collected."""

    code: str  # BT-81, UNTDID 4461: 30 transfer, 48 card, 49 direct debit, 58/59 SEPA
    text: str = ""  # BT-82
    reference: str = ""  # BT-83: what the payer quotes
    account_id: str = ""  # BT-84: IBAN, or the account number where there is none
    account_name: str = ""  # BT-85
    bic: str = ""  # BT-86
    bank_name: str = ""
    bank_code: str = ""  # sort code or clearing number, printed where there is no IBAN
    card_last4: str = ""  # BT-87
    card_holder: str = ""  # BT-88
    mandate_reference: str = ""  # BT-89
    creditor_id: str = ""  # BT-90
    debited_account: str = ""  # BT-91
    collection_date: date | None = None  # printed on the direct-debit notice

    def __post_init__(self) -> None:
        Snapshot.__post_init__(self)
        self._require("code", _MEANS_CODE, optional=False)
        self._require("card_last4", _LAST_FOUR)

    @property
    def is_credit_transfer(self) -> bool:
        """By which e-invoices and banking apps know a transfer, within SEPA or beyond it."""
        return self.code in _CREDIT_TRANSFERS

    @property
    def is_transfer(self) -> bool:
        """A credit transfer, or one by another name: the payer moves the money."""
        return self.code in _TRANSFERS

    @property
    def is_debit(self) -> bool:
        return self.code in _DEBITS

    @property
    def is_card(self) -> bool:
        return self.code in _CARDS


def _plain(value: object) -> object:
    if isinstance(value, Snapshot):
        return value.to_json()
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, date):
        return value.isoformat()
    return value


def _value(hint: object, stored: object) -> object:
    """``stored`` as a field with type ``hint`` wants it."""
    if hint is PostalAddress:
        return PostalAddress.from_json(stored)
    if hint == date | None:
        if not isinstance(stored, str):
            raise SnapshotInvalid(f"not a date: {stored!r}")
        try:
            return date.fromisoformat(stored)
        except ValueError as error:
            raise SnapshotInvalid(f"not a date: {stored!r}") from error
    if hint == tuple[str, ...]:
        if not isinstance(stored, list) or not all(isinstance(line, str) for line in stored):
            raise SnapshotInvalid(f"not a list of texts: {stored!r}")
        return tuple(stored)
    if not isinstance(stored, str):
        raise SnapshotInvalid(f"not a text: {stored!r}")
    return stored
