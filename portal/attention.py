"""What in an account waits for somebody, most pressing first; the overview begins with it.

Each finder is asked only for those who hold its permission, and asks the database once, whatever
the account's size. A package that gives people something to see to adds its finder to the list.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.access import Access
from accounts.bouncing import returned_addresses
from accounts.invitations import pending_for
from accounts.models import Invitation, InvoiceAddress, Membership, OwnershipChange
from accounts.ownership import pending_change
from accounts.permissions import ANY_MEMBER, Permission, Requirement
from accounts.two_factor.notices import set_up_page
from accounts.two_factor.policy import is_in_force
from accounts.two_factor.resets import resets_of_members
from accounts.two_factor.standing import (
    Lack,
    required_after_now,
    standings,
    who_is_stopped,
)
from invoices.models import Delivery, Invoice
from invoices.templatetags.formats import day
from mail.links import LINK_ENDED
from mail.models import OutgoingEmail
from portal.balance import Owed

# Whatever is older has been seen, or has been overtaken by a later invoice.
_LATELY = timedelta(days=45)
# More of one kind are counted rather than listed.
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing to see to: what it is, and the page where it is done."""

    words: str
    link: str
    address: str
    tone: str = "warning"


@dataclass(frozen=True, slots=True)
class Situation:
    """What finders look at; what the overview has read already is not read again."""

    access: Access
    owed: Sequence[Owed]

    def page(self, url_name: str) -> str:
        return reverse(url_name, args=[self.access.account.number])


Finder = Callable[[Situation], Iterable[Matter]]


def matters_for(access: Access, owed: Sequence[Owed]) -> list[Matter]:
    situation = Situation(access, owed)
    return [
        matter
        for requirement, find in _FINDERS
        if requirement is ANY_MEMBER or access.may(requirement)
        for matter in find(situation)
    ]


def _overdue_invoices(situation: Situation) -> Iterator[Matter]:
    count = sum(owed.overdue for owed in situation.owed)
    if count:
        words = ngettext("%(count)s invoice is overdue.", "%(count)s invoices are overdue.", count)
        yield Matter(
            words % {"count": count}, _("See invoices"), situation.page("invoices:list"), "danger"
        )


def _ownership_changes(situation: Situation) -> Iterator[Matter]:
    """Told to both people."""
    user = situation.access.user
    change = pending_change(situation.access.account)
    if change is None or user.pk not in (change.from_user_id, change.to_user_id):
        return
    is_offer = change.kind == OwnershipChange.Kind.OFFER
    if is_offer and change.to_user_id == user.pk:
        words = _("%(person)s offers you the ownership of this account.")
        person = change.from_user
    elif is_offer:
        words, person = _("You offered this account to %(person)s."), change.to_user
    else:
        words, person = _("This account is being handed over to %(person)s."), change.to_user
    yield Matter(
        words % {"person": person.get_full_name() or person.email},
        _("See the change of ownership"),
        situation.page("settings:ownership"),
    )


def _own_invitations(situation: Situation) -> Iterator[Matter]:
    """To other accounts: whoever has one account alone does not see the page of all of them."""
    for examined in pending_for(situation.access.user)[:_MOST_NAMED]:
        yield Matter(
            _("You are invited to the account %(account)s.") % {"account": examined.account.name},
            _("See the invitation"),
            reverse("accounts:open_invitation", args=[examined.invitation.pk]),
            "info",
        )


def _missing_address(situation: Situation) -> Iterator[Matter]:
    account = situation.access.account
    if not (account.address_line_1 or account.city or account.postcode):
        yield Matter(
            _("Invoices have no postal address yet."),
            _("Enter the address"),
            situation.page("settings:details"),
        )


def _expired_invitations(situation: Situation) -> Iterator[Matter]:
    expired = Invitation.objects.filter(
        account=situation.access.account,
        state=Invitation.State.PENDING,
        expires_at__lte=timezone.now(),
    )
    addresses = list(expired.order_by("expires_at").values_list("email", flat=True))
    for address in addresses[:_MOST_NAMED]:
        yield Matter(
            _("The invitation to %(address)s has expired.") % {"address": address},
            _("Send it again or delete it"),
            situation.page("settings:users"),
        )
    if more := len(addresses[_MOST_NAMED:]):
        words = ngettext(
            "%(count)s more invitation has expired.",
            "%(count)s more invitations have expired.",
            more,
        )
        yield Matter(words % {"count": more}, _("See users"), situation.page("settings:users"))


def _missing_order_number(situation: Situation) -> Iterator[Matter]:
    account = situation.access.account
    if account.order_number_required and not account.order_number:
        yield Matter(
            _("An order number is required before the next invoice, and there is none."),
            _("Enter an order number"),
            situation.page("settings:contacts"),
        )


def _unconfirmed_invoice_addresses(situation: Situation) -> Iterator[Matter]:
    waiting = InvoiceAddress.objects.filter(
        account=situation.access.account, confirmed_at__isnull=True
    )
    for address in waiting.order_by("created_at").values_list("email", flat=True):
        yield Matter(
            _("%(address)s gets no invoices until its reader confirms it.") % {"address": address},
            _("See who gets invoices"),
            situation.page("settings:contacts"),
        )


def _returned_addresses(situation: Situation) -> Iterator[Matter]:
    """What to do about each stands on the page of contacts."""
    for each in returned_addresses(situation.access.account)[:_MOST_NAMED]:
        words = _("Since %(day)s, invoices are not sent to %(address)s. %(why)s") % {
            "day": day(each.since),
            "address": each.address,
            "why": each.why,
        }
        yield Matter(words, _("See what to do"), situation.page("settings:contacts"), "danger")


def _own_two_factor(situation: Situation) -> Iterator[Matter]:
    """To whoever will be stopped; whom it stops already does not get here."""
    access = situation.access
    starts = required_after_now(access.membership)
    if starts is None:
        return
    (own,) = standings(access.account, Membership.objects.filter(pk=access.membership.pk))
    lack = own.lack(at=starts)
    if lack is None:
        return
    words = (
        _(
            "From %(day)s this account requires two-factor authentication by app."
            " You have not set it up."
        )
        if lack == Lack.SMS_ONLY
        else _(
            "From %(day)s this account requires two-factor authentication. You have not set it up."
        )
    )
    yield Matter(words % {"day": day(starts)}, _("Set it up"), set_up_page(access.account))


def _resets_of_members(situation: Situation) -> Iterator[Matter]:
    """Of two-factor authentication: to user managers, of whom one can confirm it."""
    access = situation.access
    for each in [] if access.is_read_only else resets_of_members(access)[:_MOST_NAMED]:
        user, due_at = each.member.user, each.reset.due_at
        words = _("The two-factor authentication of %(person)s will be removed on %(day)s.") % {
            "person": user.get_full_name() or user.email,
            "day": day(due_at),
        }
        if each.reset.confirmed_at:
            yield Matter(words, _("See users"), situation.page("settings:users"))
        else:
            yield Matter(
                words,
                _("Did they ask for it?"),
                reverse(
                    "settings:two_factor_reset",
                    args=[access.account.number, each.member.public_id],
                ),
            )


def _members_without_two_factor(situation: Situation) -> Iterator[Matter]:
    account = situation.access.account
    starts = account.two_factor_required_from
    if starts is None:
        return
    count = len(who_is_stopped(account, at=max(starts, timezone.now())))
    if not count:
        return
    if is_in_force(account):
        words = ngettext(
            "%(count)s user is stopped: two-factor authentication is missing.",
            "%(count)s users are stopped: two-factor authentication is missing.",
            count,
        )
    else:
        words = ngettext(
            "%(count)s user has no two-factor authentication yet. It is required from %(day)s.",
            "%(count)s users have no two-factor authentication yet. It is required from %(day)s.",
            count,
        )
    page = situation.page("settings:security")
    yield Matter(words % {"count": count, "day": day(starts)}, _("See who"), page)


_NOT_DELIVERED: Mapping[str, tuple[Promise, Promise]] = {
    Invoice.Kind.INVOICE: (
        gettext_lazy("Invoice %(number)s could not be delivered to %(address)s."),
        gettext_lazy("See the invoice"),
    ),
    Invoice.Kind.CREDIT_NOTE: (
        gettext_lazy("Credit note %(number)s could not be delivered to %(address)s."),
        gettext_lazy("See the credit note"),
    ),
}


def _undelivered_invoices(situation: Situation) -> Iterator[Matter]:
    """Those that went nowhere because their reader was taken off the list are left out."""
    failed = Delivery.objects.filter(
        account=situation.access.account,
        email__state__in=[OutgoingEmail.State.FAILED, OutgoingEmail.State.BOUNCED],
        created_at__gt=timezone.now() - _LATELY,
    ).exclude(
        Q(invoice__state=Invoice.State.VOID) | Q(email__server_response__startswith=LINK_ENDED)
    )
    rows = failed.order_by("-created_at").values_list("invoice__kind", "invoice__number", "address")
    for kind, number, address in rows[:_MOST_NAMED]:
        words, link = _NOT_DELIVERED[kind]
        yield Matter(
            str(words) % {"number": number, "address": address},
            str(link),
            reverse("invoices:page", args=[situation.access.account.number, number]),
            "danger",
        )


_FINDERS: Sequence[tuple[Requirement, Finder]] = (
    (Permission.INVOICES_VIEW, _overdue_invoices),
    (ANY_MEMBER, _ownership_changes),
    (ANY_MEMBER, _own_two_factor),
    (ANY_MEMBER, _own_invitations),
    (Permission.ACCOUNT_MANAGE, _missing_address),
    (Permission.BILLING_CONTACT_MANAGE, _returned_addresses),
    (Permission.INVOICES_VIEW, _undelivered_invoices),
    (Permission.BILLING_CONTACT_MANAGE, _missing_order_number),
    (Permission.BILLING_CONTACT_MANAGE, _unconfirmed_invoice_addresses),
    (Permission.SECURITY_MANAGE, _members_without_two_factor),
    (Permission.MEMBERS_MANAGE, _resets_of_members),
    (Permission.MEMBERS_MANAGE, _expired_invitations),
)
