"""Setting the sample operator up. Each step adds what is missing and leaves what is there."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta

from django.utils import timezone

from accounts.access import access_of
from accounts.invitations import LIFETIME
from accounts.inviting import invite
from accounts.invoice_addresses import add_address
from accounts.models import Account, Contact, Invitation, Membership
from accounts.opening import NewAccount, open_accounts
from audit.recording import Actor
from billing.billing_run import start_run
from billing.charges.fields import Progress, Reason, Refusal
from billing.charges.importing import Choices, import_charges
from billing.charges.layout import AccountsBy, Layout
from billing.charges.reading import Source
from billing.models import BillingEntry, BillingRunItem
from billing.working import work_run
from common.exceptions import DomainError
from common.scoping import account_scope, all_accounts_scope
from invoices.models import NumberSeries, Seller
from portal.demo.sample import Customer, Person, Sample, next_month, two_months_before
from taxes.models import TaxRegistration
from users.models import User

_ACTOR = Actor.system("load_demo")

Say = Callable[[str], None]


class SampleRefused(DomainError):
    """The sample and the program do not fit each other: a mistake in one of them."""


def load_sample(sample: Sample, *, today: date, say: Say) -> None:
    """Sellers, customers, charges of the two months before ``today``, and their documents.

    Running it again adds nothing twice; in a later month it adds that month's charges. Raises
    SampleRefused when part of it cannot be taken or billed.
    """
    add_sellers(sample)
    opened = add_customers(sample)
    say(f"{len(sample.sellers)} sellers, {len(sample.customers)} customers ({opened} new)")
    months = two_months_before(today)
    taken = add_charges(sample.charges(months))
    say(f"{taken} new charges from {months[0]:%B} and {months[1]:%B %Y}")
    for month in months:
        bill(as_of=min(next_month(month), today), say=say)


def add_sellers(sample: Sample) -> None:
    for table in sample.sellers:
        columns = dict(table)
        code, series = columns.pop("code"), columns.pop("series")
        registrations = columns.pop("registrations")
        seller, _ = Seller.objects.get_or_create(code=code, defaults=columns)
        for kind, prefix in series.items():
            NumberSeries.objects.get_or_create(
                seller=seller, kind=kind, is_current=True, defaults={"prefix": prefix}
            )
        for registration in registrations:
            TaxRegistration.objects.get_or_create(seller_code=code, **registration)


def add_customers(sample: Sample) -> int:
    """Open the accounts that are missing, with their people; returns how many."""
    references = [customer.external_reference for customer in sample.customers]
    known = set(
        Account.objects.filter(external_reference__in=references).values_list(
            "external_reference", flat=True
        )
    )
    missing = [one for one in sample.customers if one.external_reference not in known]
    with all_accounts_scope("a sample operator's customers"):
        accounts = open_accounts(
            [_new_account(one, currency=sample.currency_of(one)) for one in missing],
            actor=_ACTOR,
        )
        for customer, account in zip(missing, accounts, strict=True):
            for person in customer.members:
                _add_member(account, person)
            if customer.billing_contact:
                Contact.objects.create(
                    account=account, kind=Contact.Kind.BILLING, **customer.billing_contact
                )
        emails = [customer.owner.email for customer in missing]
        User.objects.filter(email__in=emails, email_verified_at=None).update(
            email_verified_at=timezone.now()
        )
    for customer, account in zip(missing, accounts, strict=True):
        ask_people(account, customer)
    return len(missing)


def ask_people(account: Account, customer: Customer) -> None:
    """Invite those who are to be invited, and ask further addresses to confirm, by mail."""
    if not (customer.invited or customer.invoice_addresses):
        return
    owner = Membership.objects.select_related("user", "account").get(account=account, is_owner=True)
    access = access_of(owner, user=owner.user)
    for one in customer.invited:
        invite(access, email=one.email, flags=one.flags, receives_invoices=False, actor=_ACTOR)
        if one.is_late:
            sent_at = timezone.now() - LIFETIME - timedelta(days=2)
            Invitation.objects.filter(account=account, email=one.email).update(
                sent_at=sent_at, expires_at=sent_at + LIFETIME
            )
    with account_scope(account):
        for email in customer.invoice_addresses:
            add_address(account, email=email, added_by=owner.user, actor=_ACTOR)


def add_charges(rows: Iterable[dict[str, str]]) -> int:
    """Import ``rows`` as a file would be; returns how many were new.

    A charge that was taken before and has changed in the sample since stays as it was.
    """
    listener = _Refusals()
    outcome = import_charges(
        Source(io.BytesIO(_csv(rows)), name="sample charges", size=None),
        layout=Layout(accounts_by=AccountsBy.REFERENCE),
        choices=Choices(accept_valid=True, source="demo"),
        actor=_ACTOR,
        listener=listener,
    )
    if wrong := [refusal for refusal in listener.found if refusal.reason is not Reason.CHANGED]:
        raise SampleRefused("; ".join(f"row {one.line} {one.said}" for one in wrong[:5]))
    return outcome.taken


def bill(*, as_of: date, say: Say) -> None:
    """Bill what is due by ``as_of`` and issue it without waiting. Raises SampleRefused."""
    with all_accounts_scope("is anything due?"):
        due = BillingEntry.objects.filter(invoice_line=None, due_on__lte=as_of)
        if not due.exists():
            return
    run = work_run(start_run(as_of=as_of, actor=_ACTOR, approve_at_once=True))
    with all_accounts_scope("what became of the run"):
        parked = run.items.filter(state=BillingRunItem.State.PARKED).select_related("account")
        if failed := list(parked[:5]):
            raise SampleRefused("; ".join(f"{item.account}: {item.last_error}" for item in failed))
        say(f"{run.items.count()} accounts billed as of {as_of}")


def _new_account(customer: Customer, *, currency: str) -> NewAccount:
    has_number = bool(customer.tax_number)
    return NewAccount(
        kind=Account.Kind(customer.kind),
        name=customer.name,
        country=customer.country,
        currency=currency,
        owner_email=customer.owner.email,
        owner_first_name=customer.owner.first_name,
        owner_last_name=customer.owner.last_name,
        external_reference=customer.external_reference,
        timezone=customer.timezone,
        locale=customer.locale,
        phone=customer.phone,
        address_lines=customer.address_lines,
        postcode=customer.postcode,
        city=customer.city,
        tax_number=customer.tax_number,
        tax_number_status=Account.TaxNumberStatus(
            customer.tax_number_status if has_number else "unchecked"
        ),
    )


def _add_member(account: Account, person: Person) -> None:
    user = User.objects.filter(email=person.email).first() or User.objects.create_user(
        person.email,
        first_name=person.first_name,
        last_name=person.last_name,
        language=account.locale,
        email_verified_at=timezone.now(),
    )
    Membership.objects.create(
        account=account,
        user=user,
        flags=list(person.flags),
        receives_invoices=person.receives_invoices,
    )


def _csv(rows: Iterable[dict[str, str]]) -> bytes:
    rows = list(rows)
    columns = sorted({name for row in rows for name in row})
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


class _Refusals:
    """Listens to the import for what it refuses."""

    def __init__(self) -> None:
        self.found: list[Refusal] = []

    def begin(self, header: Sequence[str], *, ignored: Sequence[str]) -> None:
        if ignored:
            raise SampleRefused(f"the sample's columns {', '.join(ignored)} are not used")

    def progress(self, progress: Progress) -> None:
        """The sample is read at once."""

    def refuse(self, refusal: Refusal) -> None:
        self.found.append(refusal)
