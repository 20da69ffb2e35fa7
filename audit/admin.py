"""Admin pages that other packages build on, and the audit log to look at."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from audit.acting import actor_of
from audit.actions import Action
from audit.models import AuditEvent
from audit.recording import record
from common.forms import WholeRowForm

# How Django's own filters spell their conditions.
_FILTER_LOOKUPS = frozenset(
    {"", "__exact", "__id__exact", "__isnull", "__gte", "__lt", "__year", "__month", "__day"}
)


class DeclaredFiltersAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A list is filtered by what it declares and by nothing else.

    Django takes any column of the table from the address, so that whoever may see a list could ask
    it about columns that it never shows, letter by letter: password hashes among them.
    """

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        declared = [name for name in (*self.list_filter, self.date_hierarchy) if name]
        return any(
            lookup.startswith(str(name)) and lookup.removeprefix(str(name)) in _FILTER_LOOKUPS
            for name in declared
        )


class ReadOnlyAdmin(DeclaredFiltersAdmin):
    """To look at: what these rows say is changed by the program's own functions only."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyInline(admin.TabularInline):  # type: ignore[type-arg]
    """Rows that belong to the one above, to look at."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class AuditedAdmin(DeclaredFiltersAdmin):
    """Staff may add and change, never delete; each change is an audit event with both values."""

    form = WholeRowForm
    added_action: Action
    changed_action: Action
    # Shown to nobody, not even to whoever reads the log.
    unrecorded: ClassVar[frozenset[str]] = frozenset()

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_model(
        self, request: HttpRequest, obj: Any, form: "ModelForm[Any]", change: bool
    ) -> None:
        super().save_model(request, obj, form, change)
        record(
            self.changed_action if change else self.added_action,
            actor=actor_of(request),
            account_id=self.account_id_of(obj),
            subject=self.subject_of(obj),
            details=self._changes(form),
        )

    def account_id_of(self, obj: Any) -> int | None:
        """The account whose log the change belongs in, if any."""
        account_id: int | None = getattr(obj, "account_id", None)
        return account_id

    def subject_of(self, obj: Any) -> str:
        """What the log calls the row, as everywhere else: "account 100001"."""
        return f"{obj._meta.verbose_name} {obj}"

    def _changes(self, form: "ModelForm[Any]") -> dict[str, dict[str, str]]:
        return {
            name: {
                "old": _plain(form.initial.get(name)),
                "new": _plain(form.cleaned_data.get(name)),
            }
            for name in form.changed_data
            if name not in self.unrecorded
        }


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ("happened_at", "actor_label", "action", "subject", "account_id")
    list_filter = ("action", "happened_at")
    search_fields = ("=subject", "=actor_label", "=account_id")
    search_help_text = "A subject such as “invoice INV-000042”, an address, or an account’s key."
    ordering = ("-happened_at", "-id")
    # Counting millions of rows to say how many there are costs more than the page.
    show_full_result_count = False
    list_per_page = 50


def _plain(value: Any) -> str:
    """``value`` as it read at the time; several (flags, groups) in one order whatever theirs."""
    if isinstance(value, list | tuple | set | QuerySet):
        return ", ".join(sorted(map(str, value)))
    return "" if value is None else str(value)
