"""Opening accounts, each with its owner, in a handful of statements however many there are."""

from collections.abc import Sequence
from dataclasses import dataclass

from babel.numbers import get_territory_currencies
from django.conf import settings

from accounts.models import Account, Membership
from accounts.numbering import next_account_numbers
from audit.actions import Action
from audit.recording import Actor, Event, record_many
from common.ids import normalise_email
from common.scoping import all_accounts_scope
from users.models import User


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What is needed to open an account. ``country`` is ISO 3166-1, ``currency`` ISO 4217."""

    kind: Account.Kind
    name: str
    country: str
    currency: str
    owner_email: str
    owner_first_name: str = ""
    owner_last_name: str = ""
    external_reference: str | None = None
    timezone: str = "UTC"
    locale: str = "en"
    company: str = ""
    phone: str = ""
    address_lines: tuple[str, ...] = ()
    postcode: str = ""
    city: str = ""
    tax_number: str = ""
    tax_number_status: Account.TaxNumberStatus = Account.TaxNumberStatus.UNCHECKED


def currency_for(country: str) -> str:
    """The currency (ISO 4217) of a new account: its country's own, where the operator bills in it.

    Else the first of ``ACCOUNT_CURRENCIES``.
    """
    offered: list[str] = settings.ACCOUNT_CURRENCIES
    own = get_territory_currencies(country)
    return next((currency for currency in own if currency in offered), offered[0])


def open_accounts(wanted: Sequence[NewAccount], *, actor: Actor) -> list[Account]:
    """Open the accounts, in their order, with an owner each; user IDs that are missing are made.

    A new user ID has no usable password: its person sets one through a reset link. Raises
    IntegrityError when an external reference is taken; nothing is opened then.
    """
    with all_accounts_scope("accounts are opened together"):
        owners = _owners(wanted)
        numbers = next_account_numbers(len(wanted))
        accounts = Account.objects.bulk_create(
            [_account(new, number) for new, number in zip(wanted, numbers, strict=True)]
        )
        Membership.objects.bulk_create(
            [
                Membership(
                    account=account, user=owners[normalise_email(new.owner_email)], is_owner=True
                )
                for new, account in zip(wanted, accounts, strict=True)
            ]
        )
        record_many(
            (
                Event(
                    Action.ACCOUNT_CREATED,
                    account.pk,
                    f"account {account.number}",
                    {"name": account.name, "owner": normalise_email(new.owner_email)},
                )
                for new, account in zip(wanted, accounts, strict=True)
            ),
            actor=actor,
        )
    return accounts


def _owners(wanted: Sequence[NewAccount]) -> dict[str, User]:
    by_email = {normalise_email(new.owner_email): new for new in wanted}
    known = set(User.objects.filter(email__in=by_email).values_list("email", flat=True))
    missing = [
        User(
            email=email,
            first_name=new.owner_first_name,
            last_name=new.owner_last_name,
            language=new.locale.partition("-")[0],
            timezone=new.timezone,
        )
        for email, new in by_email.items()
        if email not in known
    ]
    for user in missing:
        user.set_unusable_password()
    # Somebody may have signed up with one of the addresses since: theirs is taken then.
    User.objects.bulk_create(missing, ignore_conflicts=True)
    return {user.email: user for user in User.objects.filter(email__in=by_email)}


def _account(new: NewAccount, number: int) -> Account:
    lines = (*new.address_lines, "", "", "")
    return Account(
        number=number,
        kind=new.kind,
        name=new.name,
        country=new.country,
        currency=new.currency,
        external_reference=new.external_reference,
        timezone=new.timezone,
        locale=new.locale,
        company=new.company,
        phone=new.phone,
        address_line_1=lines[0],
        address_line_2=lines[1],
        address_line_3=lines[2],
        postcode=new.postcode,
        city=new.city,
        tax_number=new.tax_number,
        tax_number_status=new.tax_number_status,
    )
