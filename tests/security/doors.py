"""The matrix: for every address, who gets through by reading and changing, and to what answer."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from accounts.permissions import Permission
from tests.security.roles import Role

ACCOUNT = "a/<account:account_number>/"

# What a role is denied with, or the empty string when it gets through.
Door = Callable[[Role], str]

SIGN_IN = "sign in first"
NOT_FOUND = "404"
FORBIDDEN = "403"


def anybody(role: Role) -> str:
    return ""


def nowhere(role: Role) -> str:
    return NOT_FOUND


def led_to_sign_in(role: Role) -> str:
    return SIGN_IN


def signed_in(role: Role) -> str:
    return "" if role.is_signed_in else SIGN_IN


def waits_for_a_code(role: Role) -> str:
    """Whoever is signed in is led on, and whoever has not begun to is led to the sign-in page."""
    return "" if role.is_half_signed_in else signed_in(role)


def staff(role: Role) -> str:
    if not role.is_signed_in:
        return SIGN_IN
    return "" if role.is_staff else FORBIDDEN


def any_member(role: Role) -> str:
    if not role.is_signed_in:
        return SIGN_IN
    return NOT_FOUND if role.permissions is None else ""


def holder_of(permission: Permission) -> Door:
    def door(role: Role) -> str:
        if denied := any_member(role):
            return denied
        return "" if permission in (role.permissions or ()) else FORBIDDEN

    return door


def outside(role: Role) -> str:
    """For whoever is not signed in; others are led on."""
    return "302" if role.is_signed_in else ""


@dataclass(frozen=True, kw_only=True)
class Page:
    """One address. A method without a door answers 405 to everybody.

    The statuses are those that whoever gets through may see: an empty form is sent.
    """

    get: Door | None = None
    post: Door | None = None
    get_status: frozenset[int] = frozenset({200})
    post_status: frozenset[int] = frozenset({200, 302})
    open_when_closed: bool = False
    # Tables that reading may write beyond bookkeeping, each with a reason where it is named.
    get_writes: frozenset[str] = frozenset()


def shows(door: Door, *, status: int = 200) -> Page:
    return Page(get=door, get_status=frozenset({status}))


def form(door: Door, *, open_when_closed: bool = False, besides: Iterable[int] = ()) -> Page:
    """``besides``: what the page may answer too, since there is nothing to do for this role."""
    return Page(
        get=door,
        post=door,
        get_status=frozenset({200, *besides}),
        post_status=frozenset({200, 302, *besides}),
        open_when_closed=open_when_closed,
    )


def acts(door: Door, *, open_when_closed: bool = False, besides: Iterable[int] = ()) -> Page:
    """Something that is done at once, or of which a confirmation was seen on another page."""
    return Page(
        post=door, post_status=frozenset({302, *besides}), open_when_closed=open_when_closed
    )


# Without a link that was opened before there is nothing to see or to do.
BEHIND_A_LINK = frozenset({200, 302, 404, 410})


def behind_a_link() -> Page:
    return Page(get=anybody, post=anybody, get_status=BEHIND_A_LINK, post_status=BEHIND_A_LINK)


def link(door: Door = anybody) -> Page:
    """An address from a mail: takes the token out of the address, and does nothing else."""
    return Page(get=door, get_status=frozenset({302, 410, 404}))


_MAY = {permission: holder_of(permission) for permission in Permission}
_OWNS = _MAY[Permission.ACCOUNT_MANAGE]
_CLOSES = _MAY[Permission.ACCOUNT_CLOSE]
_OFFERS = _MAY[Permission.OWNERSHIP_OFFER]
_SEES_MEMBERS = _MAY[Permission.MEMBERS_VIEW]
_MANAGES_MEMBERS = _MAY[Permission.MEMBERS_MANAGE]
_MANAGES_SECURITY = _MAY[Permission.SECURITY_MANAGE]
_MANAGES_ADMIN_CONTACT = _MAY[Permission.CONTACTS_MANAGE]
_MANAGES_BILLING_CONTACT = _MAY[Permission.BILLING_CONTACT_MANAGE]
_SEES_INVOICES = _MAY[Permission.INVOICES_VIEW]
_SEES_ACTIVITY = _MAY[Permission.ACTIVITY_VIEW]

_INVOICE = f"{ACCOUNT}billing/invoices/<invoice:invoice_number>/"
_SETTINGS = f"{ACCOUNT}settings/"
_MEMBER = f"{_SETTINGS}users/<uuid:public_id>/"
_INVITATION = f"{_SETTINGS}invitations/<uuid:pk>/"
_INVOICE_ADDRESS = f"{_SETTINGS}invoice-addresses/<uuid:row>/"

_APP = "profile/two-factor/apps/<uuid:app_id>/"
_PHONE = "profile/two-factor/phone/"

_PEOPLE: dict[str, Page] = {
    "": shows(signed_in, status=302),
    # While a code is waited for, it leads on to the page that asks for it.
    "sign-in/": Page(
        get=lambda role: SIGN_IN if role.is_half_signed_in else outside(role),
        post=outside,
        post_status=frozenset({200, 302}),
    ),
    "sign-out/": acts(led_to_sign_in),
    "sign-up/": form(outside),
    "sign-up/sent/": shows(anybody),
    "sign-up/link/<uuid:link_id>/<link_token:token_hash>/": link(),
    "sign-up/finish/": behind_a_link(),
    "password-reset/": form(anybody),
    "password-reset/sent/": shows(anybody),
    "password-reset/link/<uuid:link_id>/<link_token:token_hash>/": link(),
    "password-reset/new/": behind_a_link(),
    "verify/link/<uuid:link_id>/<link_token:token_hash>/": link(),
    "verify/": behind_a_link(),
    "email-change/link/<uuid:change_id>/<link_token:token_hash>/": link(),
    "email-change/confirm/": behind_a_link(),
    "email-change/undo/link/<uuid:change_id>/<link_token:token_hash>/": link(),
    "email-change/undo/": behind_a_link(),
    "profile/": form(signed_in),
    "profile/email/": form(signed_in),
    "profile/password/": form(signed_in),
    "profile/sessions/": shows(signed_in),
    "profile/sessions/<uuid:session_id>/end/": Page(
        post=signed_in, post_status=frozenset({302, 404})
    ),
    "profile/sessions/end-others/": acts(signed_in),
    "profile/close/": form(signed_in),
    # Without a sign-in that waits for its code there is nothing to do: they lead elsewhere.
    "sign-in/code/": form(waits_for_a_code, besides={302}),
    "sign-in/code/sms/": acts(signed_in),
    "sign-in/code/cancel/": acts(led_to_sign_in),
    "sign-in/again/": acts(led_to_sign_in),
    "profile/two-factor/": shows(signed_in),
    "profile/two-factor/apps/": acts(signed_in),
    _APP: form(signed_in, besides={302}),
    f"{_APP}rename/": form(signed_in, besides={404}),
    f"{_APP}remove/": form(signed_in, besides={302}),
    f"{_PHONE}": form(signed_in),
    f"{_PHONE}<uuid:phone_id>/": form(signed_in, besides={404}),
    f"{_PHONE}<uuid:phone_id>/send-again/": acts(signed_in, besides={404}),
    f"{_PHONE}<uuid:phone_id>/remove/": form(signed_in, besides={302}),
    "profile/two-factor/turn-on/": acts(signed_in),
    # The console requires it of staff.
    "profile/two-factor/turn-off/": form(signed_in, besides={302, 409}),
    "profile/two-factor/recovery-codes/": form(signed_in, besides={302}),
    "profile/two-factor/reset/stop/": acts(signed_in, besides={404}),
    "accounts/": shows(signed_in),
    "accounts/new/": form(signed_in),
}
_LINKS: dict[str, Page] = {
    "account-offer/link/<uuid:offer_id>/<link_token:token_hash>/": link(),
    "account-offer/": behind_a_link(),
    "account-offer/decline/": Page(post=anybody, post_status=BEHIND_A_LINK),
    "invoice-address/confirm/link/<uuid:row>/<link_token:token_hash>/": link(),
    "invoice-address/confirm/": behind_a_link(),
    "invoice-address/stop/link/<uuid:row>/<link_token:token_hash>/": link(),
    "invoice-address/stop/": behind_a_link(),
    "two-factor-reset/stop/link/<uuid:reset_id>/<link_token:token_hash>/": link(),
    "two-factor-reset/stop/": behind_a_link(),
    "invitation/link/<uuid:row>/<link_token:token_hash>/": link(),
    "invitation/open/<uuid:row>/": link(signed_in),
    "invitation/": Page(get=anybody, get_status=BEHIND_A_LINK),
    **{
        f"invitation/{act}/": Page(post=anybody, post_status=BEHIND_A_LINK)
        for act in ("accept", "switch", "ask")
    },
    "invitation/decline/": behind_a_link(),
    "invitation/new-user/": behind_a_link(),
    "invitation/sign-in/": behind_a_link(),
    "invitation/ask-for-own-address/": Page(post=anybody, post_status=BEHIND_A_LINK),
}
_OF_AN_ACCOUNT: dict[str, Page] = {
    ACCOUNT: shows(any_member),
    f"{ACCOUNT}billing/invoices/": shows(_SEES_INVOICES),
    _INVOICE: shows(_SEES_INVOICES),
    f"{ACCOUNT}billing/invoices/csv": shows(_SEES_INVOICES),
    f"{_INVOICE}pdf": shows(_SEES_INVOICES),
    f"{_INVOICE}pdf/view": shows(_SEES_INVOICES),
    f"{_INVOICE}xml": shows(_SEES_INVOICES),
    f"{_INVOICE}send-again/<int:delivery_id>/": acts(_SEES_INVOICES, open_when_closed=True),
    f"{_INVOICE}send-to-another-address/": form(_SEES_INVOICES, open_when_closed=True),
    f"{_SETTINGS}details/": form(_OWNS),
    f"{_SETTINGS}contacts/": shows(_MANAGES_BILLING_CONTACT),
    f"{_SETTINGS}contacts/admin/": form(_MANAGES_ADMIN_CONTACT),
    f"{_SETTINGS}contacts/billing/": form(_MANAGES_BILLING_CONTACT),
    f"{_SETTINGS}contacts/references/": form(_MANAGES_BILLING_CONTACT),
    f"{_SETTINGS}contacts/try-again/": acts(_MANAGES_BILLING_CONTACT, besides={404}),
    f"{_SETTINGS}invoice-addresses/add/": form(_MANAGES_BILLING_CONTACT),
    f"{_INVOICE_ADDRESS}send-again/": acts(_MANAGES_BILLING_CONTACT),
    f"{_INVOICE_ADDRESS}remove/": form(_MANAGES_BILLING_CONTACT),
    f"{_SETTINGS}activity/": shows(_SEES_ACTIVITY),
    f"{_SETTINGS}activity/csv": shows(_SEES_ACTIVITY),
    f"{_SETTINGS}users/": shows(_SEES_MEMBERS),
    f"{_SETTINGS}users/add/": form(_MANAGES_MEMBERS),
    _MEMBER: form(_MANAGES_MEMBERS),
    f"{_MEMBER}remove/": form(_MANAGES_MEMBERS),
    f"{_MEMBER}two-factor/": form(_MANAGES_SECURITY, besides={409}),
    f"{_MEMBER}two-factor-reset/": form(_MANAGES_MEMBERS, besides={302}),
    f"{_SETTINGS}security/": shows(_MANAGES_SECURITY),
    f"{_SETTINGS}security/require/": form(_MANAGES_SECURITY, besides={409}),
    f"{_SETTINGS}security/stop/": form(_MANAGES_SECURITY, besides={302, 409}),
    f"{_INVITATION}send-again/": acts(_MANAGES_MEMBERS),
    f"{_INVITATION}delete/": form(_MANAGES_MEMBERS),
    f"{_SETTINGS}leave/": form(any_member, open_when_closed=True, besides={409}),
    f"{_SETTINGS}close/": form(_CLOSES, open_when_closed=True, besides={302}),
    f"{_SETTINGS}ownership/": shows(any_member),
    f"{_SETTINGS}ownership/offer/": form(_OFFERS, besides={409}),
    f"{_SETTINGS}ownership/accept/": form(any_member, besides={302, 404, 409}),
    f"{_SETTINGS}ownership/decline/": acts(any_member, open_when_closed=True, besides={404, 409}),
    f"{_SETTINGS}ownership/stop/": acts(_OFFERS, open_when_closed=True, besides={404, 409}),
}
_OF_STAFF: dict[str, Page] = {
    "console/": shows(staff, status=302),
    "console/alarms/": shows(staff),
    "console/customers/": shows(staff),
    "console/accounts/new/": form(staff),
    "console/accounts/<account:account_number>/": shows(staff),
    "console/accounts/<account:account_number>/hand-over/": form(staff),
    "console/accounts/<account:account_number>/hand-over/stop/": acts(staff, besides={404, 409}),
    "console/account-offers/<uuid:offer_id>/withdraw/": acts(staff, besides={404}),
    "console/people/<int:pk>/": shows(staff),
    "console/people/<int:pk>/two-factor-reset/": form(staff, besides={302}),
    "console/two-factor-resets/": shows(staff),
    "console/deliveries/": shows(staff),
    "console/deliveries/<uuid:email_id>/send-again/": acts(staff),
    "console/mail-reports/": shows(staff),
    "console/suppressed-addresses/": shows(staff),
    "console/suppressed-addresses/<int:pk>/lift/": form(staff),
}
# Closed to everybody alike while no email service is named: see tests/mail/test_webhooks.py.
_OF_SERVICES: dict[str, Page] = {
    "webhooks/mail/<slug:service>/": Page(post=nowhere),
}
# Embedded installations only.
_MAILBOX: dict[str, Page] = {
    "mailbox/": shows(anybody),
    "mailbox/<str:key>/": shows(anybody),
    "mailbox/<str:key>/html": shows(anybody),
    "mailbox/<str:key>/attachments/<int:position>": shows(anybody),
}

GROUPS: dict[str, dict[str, Page]] = {
    "people": _PEOPLE,
    "links": _LINKS,
    "one account": _OF_AN_ACCOUNT,
    "staff": _OF_STAFF,
    "services": _OF_SERVICES,
    "mailbox": _MAILBOX,
}
PAGES: dict[str, Page] = {route: page for group in GROUPS.values() for route, page in group.items()}
