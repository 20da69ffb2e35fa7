from typing import Any, cast

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.member_mail import person_in_words
from accounts.models import Account, Membership
from users.models import User


class NewOwnerField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """People by name and address."""

    def label_from_instance(self, obj: User) -> str:
        return person_in_words(obj)


class OfferForm(forms.Form):
    """To whom the owner offers the account."""

    to = NewOwnerField(
        label=_("New owner"),
        queryset=User.objects.none(),
        empty_label=_("Choose a user of this account"),
        help_text=_("Users who have verified their email address."),
        error_messages={
            "required": _("Choose who is to become the owner."),
            "invalid_choice": _("This person cannot become the owner. Choose somebody else."),
        },
    )
    keeps_access = forms.BooleanField(
        label=_("Keep full access and user management for myself"),
        help_text=_("If you do not tick this, you leave the account when the offer is accepted."),
        required=False,
        initial=True,
    )

    def __init__(self, *args: Any, account: Account, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(NewOwnerField, self.fields["to"]).queryset = possible_owners(account)


def possible_owners(account: Account) -> QuerySet[User]:
    """Members who could own the account, by name."""
    members = Membership.objects.filter(account=account, is_owner=False)
    return User.objects.filter(
        pk__in=members.values("user"), is_active=True, email_verified_at__isnull=False
    ).order_by("first_name", "last_name", "email")
