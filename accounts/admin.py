from typing import Any, cast

from django.contrib import admin
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone

from accounts.forms.staff import AccountForm, ContactForm, MembershipForm
from accounts.member_mail import tell_of_addition, tell_of_change
from accounts.models import Account, Contact, Membership
from accounts.permissions import access_in_words
from audit.actions import Action
from audit.admin import AuditedAdmin
from users.models import User


@admin.register(Account)
class AccountAdmin(AuditedAdmin):
    """Customer accounts, which are opened with their owner and therefore not here."""

    changed_action = Action.ACCOUNT_CHANGED
    form = AccountForm
    list_display = ("number", "name", "kind", "status", "country", "currency")
    list_filter = ("status", "kind")
    search_fields = ("=number", "name", "company", "=external_reference")
    ordering = ("number",)
    # A document in another currency would break the series of what the customer owes.
    readonly_fields = ("number", "kind", "currency", "created_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def account_id_of(self, obj: Account) -> int:
        return obj.pk

    def save_model(
        self, request: HttpRequest, obj: Account, form: "ModelForm[Account]", change: bool
    ) -> None:
        """Opening a closed account again is staff's to do, and theirs alone (0081)."""
        if "status" in form.changed_data:
            is_closed = obj.status == Account.Status.CLOSED
            obj.closed_at = timezone.now() if is_closed else None
        super().save_model(request, obj, form, change)

    def subject_of(self, obj: Account) -> str:
        return f"account {obj.number}"


@admin.register(Membership)
class MembershipAdmin(AuditedAdmin):
    """Who may do what. Ownership passes on by a procedure of its own, never by a tick here."""

    added_action = Action.MEMBERSHIP_CREATED
    changed_action = Action.MEMBERSHIP_CHANGED
    form = MembershipForm
    list_display = ("account", "user", "access", "receives_invoices")
    list_filter = ("is_owner", "receives_invoices")
    list_select_related = ("account", "user")
    search_fields = ("=account__number", "account__name", "=user__email")
    ordering = ("account__number", "-is_owner", "user__email")
    autocomplete_fields = ("account", "user")
    fields = ("account", "user", "is_owner", "flags", "receives_invoices")

    def save_model(
        self, request: HttpRequest, obj: Membership, form: "ModelForm[Membership]", change: bool
    ) -> None:
        """Its person and the owner are told, as when a user manager does it."""
        super().save_model(request, obj, form, change)
        staff = cast(User, request.user)
        if not change:
            tell_of_addition(obj, added_by=staff)
        elif form.changed_data:
            standing = {name: form.initial[name] for name in ("flags", "receives_invoices")}
            after = {"flags": obj.flags, "receives_invoices": obj.receives_invoices}
            tell_of_change(obj, before=standing, after=after, changed_by=staff)

    def subject_of(self, obj: Membership) -> str:
        return f"user {obj.user.email}"

    @admin.display(description="access")
    def access(self, membership: Membership) -> str:
        return access_in_words(is_owner=membership.is_owner, flags=membership.flags)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("is_owner",) if obj is None else ("is_owner", "account", "user")


@admin.register(Contact)
class ContactAdmin(AuditedAdmin):
    added_action = Action.CONTACT_CHANGED
    changed_action = Action.CONTACT_CHANGED
    form = ContactForm
    list_display = ("account", "kind", "name", "company", "email")
    list_filter = ("kind",)
    list_select_related = ("account",)
    search_fields = ("=account__number", "account__name", "name", "company", "=email")
    ordering = ("account__number", "kind")
    autocomplete_fields = ("account",)

    def subject_of(self, obj: Contact) -> str:
        return f"{obj.kind} contact"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("account", "kind")
