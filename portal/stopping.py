"""What somebody is told whom an account stops for want of a second factor (0152)."""

from dataclasses import dataclass
from enum import StrEnum

from django.http import HttpRequest
from django.urls import reverse

from accounts.models import Account, Membership
from accounts.two_factor.exempting import names_of_exempters
from accounts.two_factor.policy import TwoFactorRequired
from audit.acting import actor_of
from audit.actions import Action
from audit.recording import record
from common.scoping import account_scope
from twofactor.errands import Errand, overview_address
from twofactor.methods import Kind, kind_of_session, methods_of
from twofactor.sms.codes import is_sms_offered

# In the session: the numbers of the accounts that have stopped it, so that the log says so once.
_STOPPED_BY = "stopped_by_accounts"
_READS = frozenset({"GET", "HEAD"})


class Way(StrEnum):
    """What the person has to do; the page words it by this."""

    SET_UP = "set_up"
    ADD_APP = "add_app"
    SIGN_IN_WITH_APP = "sign_in_with_app"
    SIGN_IN_WITH_CODE = "sign_in_with_code"


@dataclass(frozen=True, slots=True)
class Stop:
    """``next_page`` is where the person goes on once they have signed in again.

    ``who_can_exempt`` holds names and no addresses: this browser has shown a password alone.
    """

    account: Account
    way: Way
    accepts_sms: bool
    next_page: str
    has_other_accounts: bool
    who_can_exempt: tuple[str, ...]


def stop_for(request: HttpRequest, refusal: TwoFactorRequired) -> Stop:
    way = _way(request, refusal)
    page = _where_they_were(request, refusal.account)
    if way == Way.ADD_APP:
        page = overview_address(Errand(next_page=page))
    others = Membership.objects.filter(user=refusal.user).exclude(account=refusal.account)
    return Stop(
        account=refusal.account,
        way=way,
        accepts_sms=Kind.SMS in refusal.accepts and is_sms_offered(),
        next_page=page,
        has_other_accounts=others.exists(),
        who_can_exempt=tuple(names_of_exempters(refusal.account, refusal.user)),
    )


def record_once(request: HttpRequest, refusal: TwoFactorRequired) -> None:
    """In the account's log, once for each session: the rest are the same person clicking on."""
    account = refusal.account
    stopped_by = request.session.get(_STOPPED_BY, [])
    if account.number in stopped_by:
        return
    with account_scope(account):
        record(
            Action.ACCESS_DENIED,
            actor=actor_of(request),
            account_id=account.pk,
            subject=f"account {account.number}",
            details={"reason": "two-factor authentication is required"},
        )
    request.session[_STOPPED_BY] = [*stopped_by, account.number]


def _way(request: HttpRequest, refusal: TwoFactorRequired) -> Way:
    methods = methods_of(refusal.user)
    if not methods.is_enabled or not methods.standing_alone:
        return Way.SET_UP
    if not methods.standing_alone & refusal.accepts:
        return Way.ADD_APP
    if kind_of_session(request) == Kind.SMS:
        return Way.SIGN_IN_WITH_APP
    return Way.SIGN_IN_WITH_CODE


def _where_they_were(request: HttpRequest, account: Account) -> str:
    """The page that was asked for; what was sent to another one is lost."""
    if request.method in _READS:
        return request.get_full_path()
    return reverse("account:overview", args=[account.number])
