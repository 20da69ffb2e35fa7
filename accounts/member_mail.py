"""What members are told by mail: access given, changed and taken away, somebody gone.

Each function queues in the caller's transaction and needs the account's scope.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise

from accounts.models import Account, Membership
from accounts.permissions import Flag, flag_words
from mail.addresses import Mailbox, UnusableAddress
from mail.headers import one_line
from mail.notices import send_notice
from users.models import User

# Names of people and accounts are cut here: a mail is about its words, not about a name.
NAME_SHOWN = 120
# Rather too much than too little: what stays is the account's number.
_LIKE_AN_ADDRESS = re.compile(r"[/@]|www\.|\w[.\u3002]\w{2,}", re.IGNORECASE)


def tell_of_addition(membership: Membership, *, added_by: User) -> None:
    """To somebody who was added at once, and to the owner when a manager did it."""
    account, person = membership.account, membership.user
    words = {**_between({}, _standing(membership)), "by": who_did_it(added_by)}
    notify(
        "added_to_account",
        account=account,
        to=person,
        key=f"added_to_account/{membership.public_id}",
        context={**words, "page": page_of(account)},
    )
    _tell_owner(
        "access_changed_to_owner", membership, by=added_by, context={**words, "is_new": True}
    )


def tell_of_change(
    membership: Membership,
    *,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    changed_by: User,
) -> None:
    """To the person, and to the owner when a manager did it: what was added, what taken away."""
    account = membership.account
    words = {**_between(before, after), "by": who_did_it(changed_by)}
    notify(
        "access_changed",
        account=account,
        to=membership.user,
        key=f"access_changed/{membership.public_id}/{timezone.now().isoformat()}",
        context={**words, "page": page_of(account)},
    )
    _tell_owner("access_changed_to_owner", membership, by=changed_by, context=words)


def tell_of_removal(membership: Membership, *, removed_by: User) -> None:
    """To whoever was removed, and to the owner when a manager did it."""
    words = {"by": who_did_it(removed_by)}
    notify(
        "removed_from_account",
        account=membership.account,
        to=membership.user,
        key=f"removed_from_account/{membership.public_id}",
        context=words,
    )
    _tell_owner("removed_to_owner", membership, by=removed_by, context=words)


def tell_of_leaving(membership: Membership) -> None:
    """To the owner."""
    owner = owner_of(membership.account)
    notify(
        "member_left",
        account=membership.account,
        to=owner,
        key=f"member_left/{membership.public_id}",
        context={
            "person": person_in_words(membership.user),
            "page": page_of(membership.account, "settings:users"),
        },
    )


def notify(name: str, *, account: Account, to: User, key: str, context: Mapping[str, Any]) -> None:
    """Queue one notice about ``account`` to somebody with a user ID, in their language.

    An address that no server takes keeps nobody from being removed: then nothing is sent.
    """
    with suppress(UnusableAddress):
        send_notice(
            name,
            to=Mailbox(to.email, to.get_full_name()),
            language=to.language,
            time_zone=to.timezone,
            dedup_key=key,
            context={**account_words(account), **context},
            account_id=account.pk,
        )


def owner_of(account: Account) -> User:
    return Membership.objects.select_related("user").get(account=account, is_owner=True).user


def account_words(account: Account) -> dict[str, Any]:
    """How mails call an account: its name on one line, and its number."""
    return {"account_name": name_in_mail(account.name), "number": account.number}


def account_words_for_strangers(account: Account) -> dict[str, Any]:
    """The same for people who are no members: without a name that leads elsewhere.

    Anybody can open an account, and have us mail its name to anybody.
    """
    words = account_words(account)
    return {**words, "account_name": ""} if _leads_elsewhere(words["account_name"]) else words


def name_in_mail(name: str) -> str:
    """On one line, and cut."""
    return one_line(name, most=NAME_SHOWN)


def person_in_words(user: User) -> str:
    """A member for other members: "Ana Ruiz (ana@hartwell.example)"."""
    name = name_in_mail(user.get_full_name())
    return f"{name} ({user.email})" if name else user.email


def person_for_strangers(user: User) -> str:
    """The same for people who are no members: by address alone where the name leads elsewhere."""
    return user.email if _leads_elsewhere(user.get_full_name()) else person_in_words(user)


def _leads_elsewhere(name: str) -> bool:
    """Whether a mail program could make a link of a part of ``name``; wide forms count as plain."""
    return bool(_LIKE_AN_ADDRESS.search(unicodedata.normalize("NFKC", name)))


def who_did_it(user: User) -> str:
    """Who did it. Of the operator's staff no customer learns more than whose staff they are."""
    return settings.OPERATOR_NAME if user.is_staff else person_in_words(user)


def page_of(account: Account, url_name: str = "account:overview") -> str:
    """The absolute address of a page of ``account``."""
    return f"{settings.SITE_URL}{reverse(url_name, args=[account.number])}"


def _tell_owner(name: str, membership: Membership, *, by: User, context: Mapping[str, Any]) -> None:
    """Nobody is told of what they did themselves."""
    owner = owner_of(membership.account)
    if owner.pk == by.pk:
        return
    notify(
        name,
        account=membership.account,
        to=owner,
        key=f"{name}/{membership.public_id}/{timezone.now().isoformat()}",
        context={
            **context,
            "person": person_in_words(membership.user),
            "page": page_of(membership.account, "settings:users"),
        },
    )


def _standing(membership: Membership) -> dict[str, Any]:
    return {"flags": membership.flags, "receives_invoices": membership.receives_invoices}


def _between(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What came and what went; names stay lazy, for the reader's language is set later."""
    old, new = set(before.get("flags", ())), set(after.get("flags", ()))
    had, has = before.get("receives_invoices", False), after.get("receives_invoices", False)
    return {
        "added": _names(new - old),
        "taken": _names(old - new),
        "now": _names(new),
        "invoices_started": has and not had,
        "invoices_stopped": had and not has,
    }


def _names(flags: set[str]) -> Sequence[Promise]:
    return [flag_words(flag).name for flag in Flag if flag in flags]
