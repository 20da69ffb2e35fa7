"""What staff enter. In English, as all that staff are told of the program's work."""

from typing import Any

from django import forms

from accounts.forms.new_account import AccountForm
from common.ids import normalise_email
from console.deliveries import How
from users.models import User


class KnownUserField(forms.EmailField):
    """The address of a verified user ID; cleaned to the user."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            max_length=254,
            widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
            error_messages={
                "required": "Enter the email address of a user ID.",
                "invalid": "Enter an email address such as name@example.com.",
            },
            **kwargs,
        )

    def clean(self, value: Any) -> User:
        address = normalise_email(super().clean(value))
        user = User.objects.filter(email=address, is_active=True).first()
        if user is None or user.email_verified_at is None:
            raise forms.ValidationError(
                "No verified user ID has this address. The person signs up first."
            )
        return user


class HandOverForm(forms.Form):
    """Staff do this with a recorded check, whatever a ticket says (0082)."""

    new_owner = KnownUserField(
        label="Email address of the new owner",
        help_text="Of a verified user ID. It need not be a user of the account.",
    )
    reason = forms.CharField(
        label="Reason",
        max_length=500,
        help_text="The present owner reads it.",
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Enter why the account is handed over."},
    )
    check = forms.CharField(
        label="How you checked that the request is genuine",
        max_length=500,
        help_text="Such as: called back on the number on file, spoke to Ana Ruiz. It is recorded in"
        " the account’s activity.",
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Enter how you made sure that whoever asked may ask."},
    )
    keeps_access = forms.BooleanField(
        label="The present owner keeps full access and user management",
        help_text="Otherwise they lose all access when the account passes on.",
        required=False,
        initial=True,
    )


class TwoFactorResetForm(forms.Form):
    """Staff do this with a recorded check, whatever a ticket says (0153)."""

    reason = forms.CharField(
        label="Reason",
        max_length=500,
        help_text="The person reads it. Such as: phone lost, no recovery codes.",
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Enter why the person needs the reset."},
    )
    check = forms.CharField(
        label="How you checked who is asking",
        max_length=500,
        help_text="Such as: called back on the number on file, and compared a passport on video. A"
        " ticket or an email is no check. It is recorded.",
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Enter how you made sure that the person themselves asked."},
    )


class AccountOfferForm(AccountForm):
    """An account, and for whom it is (row Z6)."""

    to = KnownUserField(
        label="Email address of the person",
        help_text="Of a verified user ID. They are sent an email, and become the owner if they"
        " accept.",
    )
    field_order = ("to", "kind", "name", "country", "timezone")


class DeliveryFilterForm(forms.Form):
    """What of the mail that did not arrive is shown."""

    wanted = forms.CharField(
        label="Address, account number or invoice number, in full",
        required=False,
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    how = forms.ChoiceField(
        label="What happened",
        required=False,
        choices=[
            ("", "Anything"),
            (How.REFUSED, "Refused or given up on"),
            (How.PARKED, "Parked after crashes"),
            (How.RETURNED, "Returned later"),
        ],
    )
    all_optional = True


class LiftForm(forms.Form):
    """Why mail may go to an address again."""

    why = forms.CharField(
        label="Reason",
        max_length=300,
        help_text="Such as: its reader called, and the mailbox has room again. It is recorded.",
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Enter why mail may go there again."},
    )
