"""Another account for somebody who has a user ID: staff offer it, the person accepts by mail.

Row Z6. The account begins when it is accepted, so that none is ever without an owner who wanted it.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.member_mail import name_in_mail
from accounts.models import Account, AccountOffer
from accounts.opening import NewAccount, currency_for, open_accounts
from audit.actions import Action
from audit.recording import Actor, record
from common.exceptions import DomainError
from common.scoping import account_scope
from common.tokens import is_token, token_for
from mail.addresses import Mailbox
from mail.links import LinkTo
from mail.notices import send_notice
from users.locked_people import lock_usable_person
from users.models import User

# What the link in the mail is for.
PURPOSE = "account_offer"
VALID_FOR = timedelta(days=10)
# On the page of staff; more are never open at a time.
OPEN_SHOWN = 100

State = AccountOffer.State


class AccountOfferedAlready(DomainError):
    """A second click, or a colleague who was quicker."""

    def __init__(self) -> None:
        super().__init__(_("An account of this name is offered to this person already."))


class AccountOfferOver(DomainError):
    """The offer was accepted, declined or withdrawn, or it has expired."""

    def __init__(self) -> None:
        super().__init__(_("This offer is over."))


@dataclass(frozen=True, slots=True)
class WantedAccount:
    """What staff offer. ``country`` is ISO 3166-1."""

    kind: Account.Kind
    name: str
    country: str
    time_zone: str


def offer_account(wanted: WantedAccount, *, to: User, by: User, actor: Actor) -> AccountOffer:
    """Mail ``to`` the offer of an account, good for ``VALID_FOR``.

    Raises PersonUnusable, AccountOfferedAlready.
    """
    with transaction.atomic():
        to = lock_usable_person(to.pk)
        if _open().filter(to_user=to, name=wanted.name).exists():
            raise AccountOfferedAlready
        offer = AccountOffer.objects.create(
            to_user=to,
            kind=wanted.kind,
            name=wanted.name,
            country=wanted.country,
            currency=currency_for(wanted.country),
            timezone=wanted.time_zone,
            offered_by=by,
            expires_at=Now() + VALID_FOR,
        )
        offer.refresh_from_db(fields=["expires_at"])
        _record(Action.ACCOUNT_OFFERED, offer, actor=actor)
        send_notice(
            "account_offered",
            to=Mailbox(to.email, to.get_full_name()),
            language=to.language,
            time_zone=to.timezone,
            dedup_key=f"account_offered/{offer.pk}",
            context={"account_name": name_in_mail(offer.name), "due_at": offer.expires_at},
            link=LinkTo(PURPOSE, offer.pk),
        )
    return offer


def accept_account(offer_pk: UUID, *, by: User, actor: Actor) -> Account:
    """Open the account that was offered to ``by``; the same one when it was accepted before.

    Raises AccountOfferOver, PersonUnusable.
    """
    with transaction.atomic():
        offer = _lock(offer_pk, user=by)
        if offer.opened is not None:
            return offer.opened
        _require_open(offer)
        (account,) = open_accounts([_new_account(offer, lock_usable_person(by.pk))], actor=actor)
        _end(offer, State.ACCEPTED, opened=account)
        with account_scope(account):
            _record(Action.ACCOUNT_OFFER_ACCEPTED, offer, actor=actor, account=account)
    return account


def decline_account(offer_pk: UUID, *, by: User, actor: Actor) -> None:
    """Raises AccountOfferOver."""
    with transaction.atomic():
        offer = _lock(offer_pk, user=by)
        _require_open(offer)
        _end(offer, State.DECLINED)
        _record(Action.ACCOUNT_OFFER_DECLINED, offer, actor=actor)


def withdraw_account(offer_pk: UUID, *, actor: Actor) -> AccountOffer:
    """For staff. Its link ends with it. Raises AccountOfferOver."""
    with transaction.atomic():
        offer = _lock(offer_pk)
        if offer.state != State.PENDING:
            raise AccountOfferOver
        _end(offer, State.WITHDRAWN)
        _record(Action.ACCOUNT_OFFER_WITHDRAWN, offer, actor=actor)
    return offer


def open_offers() -> list[AccountOffer]:
    """Those that wait for an answer, newest first."""
    waiting = _open().select_related("to_user", "offered_by").order_by("-created_at")
    return list(waiting[:OPEN_SHOWN])


def find_by_link(offer_pk: UUID, token_hash: str) -> AccountOffer | None:
    """The offer that a link was made for, whatever has become of it; None for any other token."""
    offer = AccountOffer.objects.select_related("to_user", "opened").filter(pk=offer_pk).first()
    if offer is None or not is_token(PURPOSE, offer.pk, offer.nonce, token_hash):
        return None
    return offer


def is_expired(offer: AccountOffer) -> bool:
    """By the clock of the database."""
    return AccountOffer.objects.filter(pk=offer.pk, expires_at__lte=Now()).exists()


def link_to(offer_pk: UUID) -> str | None:
    """The address that the mail carries; None when it would open nothing any more."""
    offer = _open().filter(pk=offer_pk).first()
    if offer is None:
        return None
    token = token_for(PURPOSE, offer.pk, offer.nonce)
    return settings.SITE_URL + reverse("accounts:account_offer_link", args=[offer.pk, token])


def _open() -> QuerySet[AccountOffer]:
    return AccountOffer.objects.filter(state=State.PENDING, expires_at__gt=Now())


def _lock(offer_pk: UUID, *, user: User | None = None) -> AccountOffer:
    offers = AccountOffer.objects.select_for_update(no_key=True, of=("self",))
    found = offers.select_related("to_user", "opened").filter(pk=offer_pk)
    offer = (found.filter(to_user=user) if user else found).first()
    if offer is None:
        raise AccountOfferOver
    return offer


def _require_open(offer: AccountOffer) -> None:
    if offer.state != State.PENDING or is_expired(offer):
        raise AccountOfferOver


def _end(offer: AccountOffer, state: AccountOffer.State, *, opened: Account | None = None) -> None:
    offer.state, offer.ended_at, offer.opened = state, timezone.now(), opened
    offer.save(update_fields=["state", "ended_at", "opened"])


def _new_account(offer: AccountOffer, owner: User) -> NewAccount:
    return NewAccount(
        kind=Account.Kind(offer.kind),
        name=offer.name,
        country=offer.country,
        currency=offer.currency,
        owner_email=owner.email,
        timezone=offer.timezone,
        locale=owner.language,
    )


def _record(
    action: Action, offer: AccountOffer, *, actor: Actor, account: Account | None = None
) -> None:
    record(
        action,
        actor=actor,
        account_id=account.pk if account else None,
        subject=f"user {offer.to_user.email}",
        details={
            # For staff, who look for what became of an offer; the account's own log needs no key.
            **({} if account else {"offer": str(offer.pk)}),
            "name": offer.name,
            "country": offer.country,
            "currency": offer.currency,
        },
    )
