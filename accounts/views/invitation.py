"""The page that an invitation's link opens, for whoever was invited: /invitation/.

The link's token is taken out of the address at once and kept in the session; each request looks at
it again. GET shows what can be done, POST does it.
"""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import SignInRequired
from accounts.answering import (
    AskedAlready,
    Joined,
    LinkUnusable,
    NewPerson,
    NotOpen,
    SentToSomebodyElse,
    accept,
    ask_again,
    ask_elsewhere,
    create_user_and_accept,
    decline,
    may_ask_elsewhere,
)
from accounts.forms.invitations import InvitedSignInForm, NewInvitedUserForm
from accounts.invitations import (
    PURPOSE,
    Examined,
    State,
    find_by_link,
    link_token,
    pending_for,
    verified_user_of,
    whom_to_ask,
)
from accounts.member_mail import person_in_words
from accounts.models import Membership
from accounts.permissions import Flag, flag_words
from audit.acting import actor_of
from common.link_session import drop, keep, kept, open_page, open_page_without
from common.tokens import hash_of_token
from users import signin
from users.creating import EmailTaken
from users.models import User

_FORM_METHODS = ["GET", "HEAD", "POST"]
# What a click meets when somebody else was quicker, here or in another tab: the page explains.
_TOO_LATE = (LinkUnusable, NotOpen, SentToSomebodyElse)


@require_safe
def open_link(request: HttpRequest, row: UUID, token_hash: str) -> HttpResponse:
    """Nothing is consumed: a mail scanner opens it too (ASVS 3.5.3)."""
    page = "accounts:invitation"
    if find_by_link(row, token_hash):
        return open_page(request, PURPOSE, row, token_hash, page=page)
    return open_page_without(request, PURPOSE, page=page)


@require_safe
def open_own(request: HttpRequest, row: UUID) -> HttpResponse:
    """From the panel, for the signed-in person: their verified address proves as much as a link."""
    if not isinstance(request.user, User):
        raise SignInRequired
    own = [each for each in pending_for(request.user) if each.invitation.pk == row]
    if not own:
        raise Http404
    keep(request, PURPOSE, row, hash_of_token(link_token(own[0].invitation)))
    return redirect("accounts:invitation")


@require_safe
def invitation(request: HttpRequest) -> HttpResponse:
    """What this reader can do with the invitation whose link they opened."""
    examined = _examined(request)
    if examined is None:
        return _unusable(request)
    reader = _reader(request)
    if examined.state is State.ENDED:
        return _ended(request, examined, reader)
    if examined.state is State.OPEN:
        return _open(request, examined, reader)
    return _page(request, examined, f"accounts/invitation/{examined.state}.html")


@sensitive_post_parameters("password")
@sensitive_variables("form", "person")
@require_http_methods(_FORM_METHODS)
def create_user(request: HttpRequest) -> HttpResponse:
    """The one form of somebody new: user ID, membership, session."""
    examined, link = _examined(request), kept(request, PURPOSE)
    if request.method != "POST" or examined is None or link is None or _reader(request):
        return redirect("accounts:invitation")
    if examined.state not in {State.OPEN, State.EXPIRED}:
        return redirect("accounts:invitation")
    form = NewInvitedUserForm(request.POST, email=examined.invitation.email)
    if form.is_valid():
        person = NewPerson(
            first_name=form.cleaned_data["first_name"],
            last_name=form.cleaned_data["last_name"],
            password=form.cleaned_data["password"],
            language=get_language() or examined.invitation.language,
            # A guess, which the profile can correct: people mostly work where their account is.
            timezone=form.cleaned_data["browser_zone"] or examined.account.timezone,
        )
        try:
            joined = create_user_and_accept(*link, person=person, actor=actor_of(request))
        except EmailTaken as refusal:
            form.add_error(None, str(refusal))
        except _TOO_LATE:
            return redirect("accounts:invitation")
        else:
            signin.start_session(request, joined.user)
            return _arrived(request, examined, joined)
    return _new_user_page(request, examined, form)


@sensitive_post_parameters("password")
@require_http_methods(_FORM_METHODS)
def sign_in(request: HttpRequest) -> HttpResponse:
    """Somebody who has a user ID: the password, and accepting with it."""
    examined, link = _examined(request), kept(request, PURPOSE)
    if request.method != "POST" or examined is None or link is None or _reader(request):
        return redirect("accounts:invitation")
    if examined.state is not State.OPEN:
        return redirect("accounts:invitation")
    email = examined.invitation.email
    form = InvitedSignInForm(request.POST, email=email)
    if form.is_valid():
        try:
            user = signin.sign_in(
                request,
                email=email,
                password=form.cleaned_data["password"],
                next_page=reverse("accounts:invitation"),
            )
        except signin.WrongCredentials as refusal:
            form.add_error("password", str(refusal))
        else:
            return _accepted(request, examined, user)
    context = {"form": form}
    return _page(request, examined, "accounts/invitation/sign_in.html", context)


@require_POST
def accept_invitation(request: HttpRequest) -> HttpResponse:
    examined, reader = _examined(request), _reader(request)
    if examined is None or reader is None:
        return redirect("accounts:invitation")
    return _accepted(request, examined, reader)


@require_http_methods(_FORM_METHODS)
def decline_invitation(request: HttpRequest) -> HttpResponse:
    examined, link, reader = _examined(request), kept(request, PURPOSE), _reader(request)
    if examined is None or link is None or examined.state is State.ENDED:
        return redirect("accounts:invitation")
    if reader and reader.email != examined.invitation.email:
        return redirect("accounts:invitation")
    if request.method != "POST":
        return _page(request, examined, "accounts/invitation/decline.html")
    try:
        decline(*link, user=reader, actor=actor_of(request))
    except _TOO_LATE:
        return redirect("accounts:invitation")
    drop(request, PURPOSE)
    return _page(request, examined, "accounts/invitation/declined.html")


@require_POST
def switch_user(request: HttpRequest) -> HttpResponse:
    """Sign out, and come back here with the same link."""
    link = kept(request, PURPOSE)
    signin.sign_out(request)
    if link:
        keep(request, PURPOSE, *link)
    return redirect("accounts:invitation")


@require_POST
def ask_to_send_again(request: HttpRequest) -> HttpResponse:
    link = kept(request, PURPOSE)
    if link is not None:
        try:
            asked = ask_again(*link, actor=actor_of(request))
        except AskedAlready as refusal:
            messages.info(request, str(refusal))
        except _TOO_LATE:
            pass
        else:
            _say_asked(request, asked)
    return redirect("accounts:invitation")


@require_POST
def ask_for_own_address(request: HttpRequest) -> HttpResponse:
    link, reader = kept(request, PURPOSE), _reader(request)
    if link is not None and reader is not None:
        try:
            asked = ask_elsewhere(*link, user=reader, actor=actor_of(request))
        except AskedAlready as refusal:
            messages.info(request, str(refusal))
        except _TOO_LATE:
            pass
        else:
            _say_asked(request, asked)
    return redirect("accounts:invitation")


def _examined(request: HttpRequest) -> Examined | None:
    link = kept(request, PURPOSE)
    return find_by_link(*link) if link else None


def _reader(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) else None


def _open(request: HttpRequest, examined: Examined, reader: User | None) -> HttpResponse:
    email = examined.invitation.email
    has_user_id = verified_user_of(email) is not None
    if reader is not None:
        name = "answer" if reader.email == email else "somebody_else"
        context = {"has_user_id": has_user_id}
        return _page(request, examined, f"accounts/invitation/{name}.html", context)
    if has_user_id:
        form = InvitedSignInForm(email=email)
        return _page(request, examined, "accounts/invitation/sign_in.html", {"form": form})
    return _new_user_page(request, examined, NewInvitedUserForm(email=email))


def _new_user_page(
    request: HttpRequest, examined: Examined, form: NewInvitedUserForm
) -> HttpResponse:
    """From an expired invitation the same form, on the page that says so."""
    name = "expired" if examined.state is State.EXPIRED else "new_user"
    return _page(request, examined, f"accounts/invitation/{name}.html", {"form": form})


def _accepted(request: HttpRequest, examined: Examined, user: User) -> HttpResponse:
    link = kept(request, PURPOSE)
    try:
        joined = accept(*link, user=user, actor=actor_of(request)) if link else None
    except _TOO_LATE:
        return redirect("accounts:invitation")
    return _arrived(request, examined, joined) if joined else redirect("accounts:invitation")


def _arrived(request: HttpRequest, examined: Examined, joined: Joined) -> HttpResponse:
    """To the first page that the person may open: the account's, or else their own."""
    drop(request, PURPOSE)
    if joined.membership is None:
        messages.success(request, _("Your user ID is ready. You belong to no account yet."))
        return redirect("portal:accounts")
    account = {"account": examined.account.name}
    if joined.is_new:
        messages.success(request, _("Welcome. You now belong to %(account)s.") % account)
    else:
        words = _("You belong to %(account)s already. Your access is as it was.")
        messages.info(request, words % account)
    return redirect("account:overview", examined.account.number)


def _ended(request: HttpRequest, examined: Examined, reader: User | None) -> HttpResponse:
    """Whoever accepted it meets their account again; nobody else learns what became of it."""
    accepted_by = examined.invitation.accepted_by_id
    account = examined.account
    if reader is not None and reader.pk == accepted_by:
        drop(request, PURPOSE)
        if Membership.objects.filter(account=account, user=reader).exists():
            words = _("You have accepted this invitation already.")
            messages.info(request, words)
            return redirect("account:overview", account.number)
    return _unusable(request)


def _page(
    request: HttpRequest,
    examined: Examined,
    template: str,
    context: dict[str, Any] | None = None,
) -> HttpResponse:
    """What the holder of a genuine link may read of it."""
    invitation, reader = examined.invitation, _reader(request)
    asked = whom_to_ask(examined)
    if examined.state is State.EXPIRED and reader is None and not (context or {}).get("form"):
        unknown = verified_user_of(invitation.email) is None
        form = NewInvitedUserForm(email=invitation.email) if unknown else None
        context = {**(context or {}), "form": form}
    shown = {
        "invitation": invitation,
        "account": examined.account,
        "inviter": person_in_words(examined.inviter),
        "inviter_name": examined.inviter.get_full_name() or examined.inviter.email,
        "asked": person_in_words(asked),
        "asked_is_inviter": asked == examined.inviter,
        "rights": [flag_words(flag) for flag in Flag if flag in invitation.flags],
        "reader": reader,
        "may_ask_elsewhere": reader is not None and may_ask_elsewhere(examined, user=reader),
    }
    return render(request, template, {**shown, **(context or {})})


def _unusable(request: HttpRequest) -> HttpResponse:
    """The same page whatever the reason: it tells of no account and of nobody."""
    template = "accounts/invitation/unusable.html"
    return render(request, template, status=HTTPStatus.NOT_FOUND)


def _say_asked(request: HttpRequest, asked: User) -> None:
    words = _("We have sent your question to %(person)s by email.")
    messages.success(request, words % {"person": person_in_words(asked)})
