"""Finding a customer by whatever staff have in hand, in one box (Pages, operator console)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.models import Q, QuerySet

from accounts.models import Account, Contact, Invitation, InvoiceAddress, Membership
from common.ids import normalise_email
from common.scoping import all_accounts_scope
from invoices.models import Invoice
from users.models import User

PAGE_LENGTH = 25
# Of each of the other kinds; whoever finds more asks for less.
SHOWN = 20
# The longest number that the column holds for sure.
_DIGITS = 18


@dataclass(frozen=True, slots=True)
class AccountRow:
    account: Account
    owner: User | None


@dataclass(frozen=True, slots=True)
class Person:
    """A user ID, with the accounts that it belongs to."""

    user: User
    memberships: Sequence[Membership]


@dataclass(frozen=True, slots=True)
class Address:
    """An email address that is on file without being a user's of the account."""

    email: str
    used_as: str
    account: Account


@dataclass(frozen=True, slots=True)
class Found:
    """Results by kind; ``newer`` and ``older`` are numbers to ask for neighbouring pages with."""

    accounts: Sequence[AccountRow]
    newer: int | None = None
    older: int | None = None
    people: Sequence[Person] = field(default=())
    addresses: Sequence[Address] = field(default=())
    invoices: Sequence[Invoice] = field(default=())

    @property
    def count(self) -> int:
        return sum(map(len, (self.accounts, self.people, self.addresses, self.invoices)))


def find(wanted: str, *, before: int | None = None, after: int | None = None) -> Found:
    """What fits ``wanted``: an account's number or name, a person, an address, an invoice's number.

    Numbers and addresses are looked for whole, names in part. Accounts come with the newest first;
    ``before`` and ``after`` are numbers of the neighbouring pages. Without ``wanted``, all of them.
    """
    with all_accounts_scope("staff look for a customer"):
        accounts = Account.objects.filter(_accounts(wanted))
        page, newer, older = _page(accounts, before=before, after=after)
        rows = _with_owners(page)
        if not wanted or before or after:
            return Found(rows, newer, older)
        return Found(
            rows,
            newer,
            older,
            people=_people(wanted),
            addresses=_addresses(wanted) if "@" in wanted else (),
            invoices=_invoices(wanted),
        )


def _accounts(wanted: str) -> Q:
    if not wanted:
        return Q()
    if "@" in wanted:
        return Q(memberships__user__email=normalise_email(wanted))
    condition = Q(name__icontains=wanted) | Q(company__icontains=wanted)
    if wanted.isdecimal() and len(wanted) <= _DIGITS:
        condition |= Q(number=int(wanted))
    return condition


def _page(
    accounts: QuerySet[Account], *, before: int | None, after: int | None
) -> tuple[list[Account], int | None, int | None]:
    if after is not None:
        rows = list(accounts.filter(number__gt=after).order_by("number")[: PAGE_LENGTH + 1])
        is_more = len(rows) > PAGE_LENGTH
        rows = rows[:PAGE_LENGTH][::-1]
        return rows, _number(rows, 0) if is_more else None, _number(rows, -1)
    if before is not None:
        accounts = accounts.filter(number__lt=before)
    rows = list(accounts.order_by("-number")[: PAGE_LENGTH + 1])
    is_more = len(rows) > PAGE_LENGTH
    rows = rows[:PAGE_LENGTH]
    newer = _number(rows, 0) if before is not None else None
    return rows, newer, _number(rows, -1) if is_more else None


def _number(rows: Sequence[Account], index: int) -> int | None:
    return rows[index].number if rows else None


def _with_owners(accounts: Sequence[Account]) -> list[AccountRow]:
    owners = {
        membership.account_id: membership.user
        for membership in Membership.objects.filter(
            account__in=accounts, is_owner=True
        ).select_related("user")
    }
    return [AccountRow(account, owners.get(account.pk)) for account in accounts]


def _people(wanted: str) -> list[Person]:
    if "@" in wanted:
        condition = Q(email=normalise_email(wanted))
    else:
        condition = Q()
        for word in wanted.split():
            condition &= Q(first_name__icontains=word) | Q(last_name__icontains=word)
    users = list(User.objects.filter(condition).order_by("email")[:SHOWN])
    memberships: dict[int, list[Membership]] = {user.pk: [] for user in users}
    found = Membership.objects.filter(user__in=users).select_related("account")
    for membership in found.order_by("account__number"):
        memberships[membership.user_id].append(membership)
    return [Person(user, memberships[user.pk]) for user in users]


def _addresses(wanted: str) -> list[Address]:
    address = normalise_email(wanted)
    found: list[tuple[str, Contact | InvoiceAddress | Invitation]] = []
    contacts = Contact.objects.filter(email__iexact=address)
    found += [("Contact", row) for row in contacts.select_related("account")[:SHOWN]]
    further = InvoiceAddress.objects.filter(email__iexact=address)
    found += [("Extra invoice address", row) for row in further.select_related("account")[:SHOWN]]
    invited = Invitation.objects.filter(email=address, state=Invitation.State.PENDING)
    found += [("Invited", row) for row in invited.select_related("account")[:SHOWN]]
    return [Address(row.email, used_as, row.account) for used_as, row in found]


def _invoices(wanted: str) -> list[Invoice]:
    """Of every seller, whose series may give the same number."""
    numbered = Invoice.objects.filter(number=wanted.upper()).select_related("account")
    return list(numbered.order_by("-pk")[:SHOWN])
