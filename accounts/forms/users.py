"""What a member may do, as boxes; and adding somebody by email address."""

from collections.abc import Collection, Sequence
from typing import Any, cast

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import Access
from accounts.granting import grantable_flags, in_order, may_designate
from accounts.memberships import Standing
from accounts.permissions import Flag, Preset, flag_words, offered_flags, offered_presets
from common.forms import DescribedLabel
from users.forms import NewAddressField


class RightsWidget(forms.CheckboxSelectMultiple):
    """Boxes of which some cannot be ticked: their sentences say why."""

    closed: Collection[str] = ()

    def create_option(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(*args, **kwargs)
        if str(option["value"]) in self.closed:
            option["attrs"]["disabled"] = True
        return option


class AccessForm(forms.Form):
    """The boxes. What may be given is for the workflow to say: it refuses what was forged.

    ``held`` is what the member has already, which anyone who manages users may take away.
    """

    all_optional = True

    flags = forms.MultipleChoiceField(
        label=gettext_lazy("What this person may do"),
        required=False,
        widget=RightsWidget,
        help_text=gettext_lazy(
            "Without any box they can sign in, see the account’s name, and get invoices by email."
        ),
        error_messages={"invalid_choice": gettext_lazy("Choose from the boxes on this page.")},
    )
    receives_invoices = forms.BooleanField(
        label=gettext_lazy("Send new invoices via email"),
        required=False,
        help_text=gettext_lazy(
            "Each new invoice is emailed to this person, also if they may not see invoices here."
        ),
    )

    def __init__(
        self, *args: Any, access: Access, held: Collection[str] = (), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.access = access
        grantable = grantable_flags(access.membership, account=access.account)
        open_boxes = {*grantable, *held}
        flags = cast(forms.MultipleChoiceField, self.fields["flags"])
        flags.choices = [(flag.value, _label(flag, flag in open_boxes)) for flag in offered_flags()]
        boxes = cast(RightsWidget, flags.widget)
        boxes.closed = [flag for flag in offered_flags() if flag not in open_boxes]
        if not may_designate(access.membership, account=access.account):
            _close_box(self.fields["receives_invoices"], access)

    def presets(self) -> Sequence[Preset]:
        """Those of which every box is open."""
        grantable = grantable_flags(self.access.membership, account=self.access.account)
        return [preset for preset in offered_presets() if preset.flags <= grantable]


class AddUserForm(AccessForm):
    """Somebody new, by email address."""

    email = NewAddressField(
        label=gettext_lazy("Email address"),
        help_text=gettext_lazy(
            "They get an email with a link that is good for 10 days. It works whether they have a"
            " user ID or not."
        ),
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": gettext_lazy("Enter the email address of the person to add.")},
    )
    field_order = ("email", "flags", "receives_invoices")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if settings.INVITE_EXISTING_USERS == "add":
            self.fields["email"].help_text = _(
                "Somebody with a user ID is added at once and told by email. Anybody else gets a"
                " link that is good for 10 days."
            )


class EditAccessForm(AccessForm):
    """The boxes of a member, with what they had when the page was opened."""

    seen_flags = forms.CharField(required=False, widget=forms.HiddenInput)
    seen_invoices = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def seen(self) -> Standing:
        """What the member had when this form was made; forged values are no more than a mistake."""
        flags = str(self.cleaned_data["seen_flags"]).split()
        return Standing(tuple(in_order(flags)), self.cleaned_data["seen_invoices"])


class OwnInvoicesForm(forms.Form):
    """Whether new invoices are emailed to oneself."""

    receives_invoices = forms.BooleanField(
        label=gettext_lazy("Send new invoices via email"),
        required=False,
        help_text=gettext_lazy("Each new invoice of this account is emailed to you."),
    )


def initial_of(standing: Standing) -> dict[str, Any]:
    """What an EditAccessForm starts from."""
    return {
        "flags": list(standing.flags),
        "receives_invoices": standing.receives_invoices,
        "seen_flags": " ".join(standing.flags),
        "seen_invoices": standing.receives_invoices,
    }


def _label(flag: Flag, is_open: bool) -> DescribedLabel:
    words = flag_words(flag)
    sentence = str(words.sentence)
    if not is_open:
        reason = _("You cannot give this right: you do not have it yourself.")
        sentence = f"{sentence} {reason}"
    return DescribedLabel(str(words.name), sentence)


def _close_box(field: forms.Field, access: Access) -> None:
    """Left as it is whatever is sent, and says why."""
    field.disabled = True
    if access.account.billing_reserved_to_owner:
        field.help_text = _("In this account only the owner chooses who gets invoices by email.")
    else:
        field.help_text = _(
            "Only somebody who may see invoices and manage users chooses who gets them by email."
        )
