"""Who needs two-factor authentication: the account's rule, and one member's."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, cast

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from accounts.models import Account, Membership
from accounts.two_factor.overrides import Override
from accounts.two_factor.policy import day_after, today_of
from common.forms import DescribedLabel

Rule = Membership.TwoFactorRule

AT_ONCE, FROM_DAY = "now", "day"
# A day further off is a slip of the finger.
_AT_MOST_AHEAD = timedelta(days=366)
_EXEMPT_AT_MOST = timedelta(days=3653)
_REASON_LENGTH = 300


def _day_input() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date", "autocomplete": "off"}, format="%Y-%m-%d")


class RequireForm(forms.Form):
    """From when two-factor authentication is required of everybody, and which methods count."""

    all_optional = True

    when = forms.ChoiceField(
        label=gettext_lazy("From when"),
        widget=forms.RadioSelect,
        choices=[(AT_ONCE, gettext_lazy("At once")), (FROM_DAY, gettext_lazy("From a day on"))],
        error_messages={"required": gettext_lazy("Choose from when it is required.")},
    )
    day = forms.DateField(
        label=gettext_lazy("First day"),
        required=False,
        widget=_day_input(),
        error_messages={"invalid": gettext_lazy("Enter a date, such as 2030-12-31.")},
    )
    refuses_sms = forms.BooleanField(
        label=gettext_lazy("Authenticator apps only"),
        required=False,
        help_text=gettext_lazy(
            "Codes by text message are then not accepted. They are less safe: a number can be"
            " taken over."
        ),
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, account: Account, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._today = today_of(account)
        day = self.fields["day"]
        day.help_text = _(
            "It begins at 00:00 on that day in the account’s time zone, %(zone)s."
        ) % {"zone": account.timezone}
        day.widget.attrs["min"] = day_after(self._today).isoformat()

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("when") == FROM_DAY and "day" not in self.errors:
            self._check_day(cleaned.get("day"))
        return cleaned

    @property
    def starts_on(self) -> date | None:
        """None: at once."""
        day: date | None = self.cleaned_data["day"]
        return day if self.cleaned_data["when"] == FROM_DAY else None

    def _check_day(self, day: date | None) -> None:
        if day is None:
            self.add_error("day", _("Enter the day from which it is required."))
        elif day <= self._today:
            self.add_error("day", _("Enter a day after today, or choose “At once”."))
        elif day > self._today + _AT_MOST_AHEAD:
            self.add_error("day", _("Enter a day within a year."))


class OverrideForm(forms.Form):
    """What holds for one member."""

    all_optional = True

    rule = forms.ChoiceField(
        label=gettext_lazy("Two-factor authentication"),
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose what holds for this person.")},
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        required=False,
        max_length=_REASON_LENGTH,
        help_text=gettext_lazy(
            "Required unless you choose “As the account requires”. Those who manage users can read"
            " it."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    until = forms.DateField(
        label=gettext_lazy("Last day of the exemption"),
        required=False,
        widget=_day_input(),
        error_messages={"invalid": gettext_lazy("Enter a date, such as 2030-12-31.")},
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, sent: Mapping[str, Any] | None = None, *, account: Account, now: Override
    ) -> None:
        super().__init__(sent, initial=_initial(now))
        self._today = today_of(account)
        self._now = now
        cast(forms.ChoiceField, self.fields["rule"]).choices = _rules()
        self.fields["until"].help_text = _(
            "Leave it empty if the exemption has no end. The day ends at 24:00 in the account’s"
            " time zone, %(zone)s."
        ) % {"zone": account.timezone}

    def clean_reason(self) -> str:
        return " ".join(self.cleaned_data["reason"].split())

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        rule, until = cleaned.get("rule"), cleaned.get("until")
        if rule in (Rule.REQUIRED, Rule.EXEMPT) and not cleaned.get("reason"):
            self._add_once("reason", _("Enter a reason."))
        if rule in (Rule.ACCOUNT, Rule.REQUIRED) and until:
            self.add_error("until", _("Only an exemption has a last day. Leave this empty."))
        elif until and until < self._today and until != self._now.until:
            self.add_error("until", _("Enter today or a later day, or leave it empty."))
        elif until and until > self._today + _EXEMPT_AT_MOST:
            self.add_error("until", _("Enter a day within ten years, or leave it empty."))
        return cleaned

    @property
    def override(self) -> Override:
        """What was chosen; who follows the account needs no reason, and keeps none."""
        chosen = self.cleaned_data
        if chosen["rule"] == Rule.ACCOUNT:
            return Override(Rule.ACCOUNT)
        return Override(chosen["rule"], chosen["reason"], chosen["until"])

    def _add_once(self, field: str, error: str) -> None:
        if field not in self.errors:
            self.add_error(field, error)


def _rules() -> list[tuple[str, str]]:
    words = {
        Rule.ACCOUNT: (
            _("As the account requires"),
            _("What holds for everybody holds for this person."),
        ),
        Rule.REQUIRED: (
            _("Required"),
            _("They cannot open this account without it, even if the account does not require it."),
        ),
        Rule.EXEMPT: (
            pgettext("two-factor rule", "Exempt"),
            _("They can open this account with their password alone."),
        ),
    }
    return [(rule.value, DescribedLabel(name, hint)) for rule, (name, hint) in words.items()]


def _initial(now: Override) -> dict[str, Any]:
    return {"rule": now.rule, "reason": now.reason, "until": now.until, "seen": now.fingerprint}
