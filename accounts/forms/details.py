from collections.abc import Mapping
from typing import Any

from babel import Locale, UnknownLocaleError
from django import forms
from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.forms.editing import PostalForm
from accounts.forms.names import AccountNameField
from accounts.models import NAME_LENGTH, Account
from common.forms import require_legible
from users.forms import PersonNamesMixin, TimeZoneField
from users.models import User

# Regions whose way of writing dates and numbers differs, of the languages that are spoken here.
_REGIONS = {
    "en": ("GB", "US", "IE", "AU", "CA"),
    "de": ("DE", "AT", "CH"),
    "fr": ("FR", "BE", "CH", "LU", "CA"),
}
# Columns of Account that this form changes.
ACCOUNT_COLUMNS = (
    "name",
    "company",
    "tax_number",
    "registration_id",
    "country",
    "address_line_1",
    "address_line_2",
    "address_line_3",
    "postcode",
    "city",
    "subdivision",
    "phone",
    "locale",
    "timezone",
    "billing_reserved_to_owner",
    "managers_may_grant_all",
)
OWNER_COLUMNS = ("first_name", "last_name")


class DetailsForm(PersonNamesMixin, PostalForm):
    """Account Details with the owner's own names (row U2)."""

    address_stays = True

    name = AccountNameField(
        label=_("Name of the account"),
        help_text=_("Shown in the panel and in mails about the account."),
        error_messages={"required": _("Enter a name for the account.")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    company = forms.CharField(
        label=_("Company"),
        max_length=NAME_LENGTH,
        required=False,
        validators=[require_legible],
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    registration_id = forms.CharField(
        label=_("Registration number"),
        max_length=60,
        required=False,
        help_text=_("The company’s number in its register, printed on invoices."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    locale = forms.ChoiceField(
        label=_("Language of invoices"),
        help_text=_("Also decides how dates and amounts are written on them."),
    )
    timezone = TimeZoneField()
    billing_reserved_to_owner = forms.BooleanField(
        label=_("Only the owner may change billing settings"),
        required=False,
        help_text=_(
            "Users with billing access still see invoices, but change neither the contacts nor who"
            " else gets invoices."
        ),
    )
    managers_may_grant_all = forms.BooleanField(
        label=_("User managers may grant rights that they do not have themselves"),
        required=False,
        help_text=_("Every right but user management."),
    )

    def __init__(
        self, typed: Mapping[str, Any] | None = None, *, account: Account, owner: User
    ) -> None:
        saved = {
            **{name: getattr(owner, name) for name in OWNER_COLUMNS},
            **{name: getattr(account, name) for name in ACCOUNT_COLUMNS},
        }
        super().__init__(typed, saved=saved)
        self.fields["locale"] = _choice_like(self.fields["locale"], _locales(account.locale))
        self.fields["timezone"] = TimeZoneField(
            also=account.timezone,
            help_text=_("Billing periods begin and end by it."),
            error_messages={"invalid_choice": _("Choose one from the list.")},
        )
        self.order_fields([*OWNER_COLUMNS, *ACCOUNT_COLUMNS[:5], *self._address.order])
        self.order_fields([name for name in self.fields if name not in _LAST] + list(_LAST))

    def account_fields(self) -> list[forms.BoundField]:
        """The fields of the page's middle part, in their order."""
        elsewhere = {"seen", *OWNER_COLUMNS, *_RULES}
        return [field for field in self if field.name not in elsewhere]

    def account_values(self) -> Mapping[str, Any]:
        return {name: value for name, value in self.values().items() if name in ACCOUNT_COLUMNS}

    def owner_values(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in OWNER_COLUMNS}


_RULES = ("billing_reserved_to_owner", "managers_may_grant_all")
_LAST = ("phone", "locale", "timezone", *_RULES)


def _choice_like(field: forms.Field, choices: list[Any]) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=field.label,
        help_text=field.help_text,
        choices=choices,
        error_messages={"invalid_choice": _("Choose one from the list.")},
    )


def _locales(current: str) -> list[tuple[str, str]]:
    """Each language alone and with its regions, by name; and what is on file, if it is another."""
    codes = [
        code
        for language, _name in settings.LANGUAGES
        for code in (language, *(f"{language}-{region}" for region in _REGIONS.get(language, ())))
    ]
    if current not in codes:
        codes.append(current)
    reader = Locale.parse(get_language() or "en", sep="-")
    return [(code, _locale_name(code, reader)) for code in codes]


def _locale_name(code: str, reader: Locale) -> str:
    try:
        return Locale.parse(code, sep="-").get_display_name(reader) or code
    except (UnknownLocaleError, ValueError):
        return code
