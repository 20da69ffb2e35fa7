"""What ``sample.toml`` says, as objects; months are turned into charges here."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

_FILE = Path(__file__).with_name("sample.toml")


@dataclass(frozen=True, slots=True)
class Person:
    """A member of an account; ``flags`` are those of ``accounts.permissions``."""

    email: str
    first_name: str
    last_name: str
    flags: tuple[str, ...] = ()
    receives_invoices: bool = False

    @classmethod
    def read(cls, table: Mapping[str, Any]) -> Self:
        return cls(**{**table, "flags": tuple(table.get("flags", ()))})


@dataclass(frozen=True, slots=True)
class Invited:
    """Somebody who was asked into an account by its owner; if ``is_late``, too long ago."""

    email: str
    flags: tuple[str, ...] = ()
    is_late: bool = False

    @classmethod
    def read(cls, table: Mapping[str, Any]) -> Self:
        return cls(**{**table, "flags": tuple(table.get("flags", ()))})


@dataclass(frozen=True, slots=True)
class OneOff:
    """Charged once: in the first (1) or the second (2) of the two months."""

    month: int
    product: str
    quantity: str
    order_number: str = ""


@dataclass(frozen=True, slots=True)
class Customer:
    """An account with its people, and what it is charged. ``services`` are quantities a month."""

    reference: str
    name: str
    seller: str
    country: str
    timezone: str
    owner: Person
    services: Mapping[str, str]
    address_lines: tuple[str, ...]
    city: str
    kind: str = "organisation"
    locale: str = "en"
    postcode: str = ""
    phone: str = ""
    tax_number: str = ""
    tax_number_status: str = "valid"
    members: tuple[Person, ...] = ()
    invited: tuple[Invited, ...] = ()
    # Further addresses for invoices, not confirmed yet.
    invoice_addresses: tuple[str, ...] = ()
    billing_contact: Mapping[str, str] | None = None
    once: tuple[OneOff, ...] = ()

    @classmethod
    def read(cls, table: Mapping[str, Any]) -> Self:
        return cls(
            **{
                **table,
                "address_lines": tuple(table["address_lines"]),
                "owner": Person.read(table["owner"]),
                "members": tuple(Person.read(member) for member in table.get("members", ())),
                "invited": tuple(Invited.read(one) for one in table.get("invited", ())),
                "invoice_addresses": tuple(table.get("invoice_addresses", ())),
                "once": tuple(OneOff(**one) for one in table.get("once", ())),
            }
        )

    @property
    def external_reference(self) -> str:
        return f"demo-{self.reference}"


@dataclass(frozen=True, slots=True)
class Sample:
    """``sellers`` and ``products`` are tables as the file has them."""

    sellers: tuple[Mapping[str, Any], ...]
    products: Mapping[str, Mapping[str, str]]
    customers: tuple[Customer, ...]

    def currency_of(self, customer: Customer) -> str:
        """That of the seller's books, so that no document needs a rate of exchange."""
        (seller,) = (table for table in self.sellers if table["code"] == customer.seller)
        return str(seller["accounting_currency"])

    def charges(self, months: tuple[date, date]) -> Iterator[dict[str, str]]:
        """Rows in the format of docs/importing-charges.md for the months that begin on these days.

        The tax point is the month's last day, and the first day after it they are due.
        """
        for number, start in enumerate(months, start=1):
            end = next_month(start)
            for customer in self.customers:
                for one in _sold_to(customer, number):
                    product = self.products[one.product]
                    charged_once = Decimal(one.quantity) < 0 or product.get("unit_code") != "MON"
                    yield {
                        **product,
                        "account": customer.external_reference,
                        "seller": customer.seller,
                        "currency": self.currency_of(customer),
                        "quantity": one.quantity,
                        "date": str(end - timedelta(days=1)),
                        "period_start": "" if charged_once else str(start),
                        "period_end": "" if charged_once else str(end),
                        "due_on": str(end),
                        "order_number": one.order_number,
                        "item_id": one.product.upper(),
                        "charge_id": f"{start:%Y-%m}/{customer.reference}/{one.product}",
                    }


def read_sample() -> Sample:
    with _FILE.open("rb") as stream:
        found = tomllib.load(stream)
    return Sample(
        sellers=tuple(found["sellers"]),
        products=found["products"],
        customers=tuple(Customer.read(table) for table in found["customers"]),
    )


def two_months_before(today: date) -> tuple[date, date]:
    """The first days of the last two months that are over on ``today``."""
    last = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    return (last - timedelta(days=1)).replace(day=1), last


def next_month(first: date) -> date:
    """The first day of the month after the one that begins on ``first``."""
    return (first + timedelta(days=31)).replace(day=1)


def _sold_to(customer: Customer, month: int) -> Iterator[OneOff]:
    for product, quantity in customer.services.items():
        yield OneOff(month, product, quantity)
    yield from (one for one in customer.once if one.month == month)
