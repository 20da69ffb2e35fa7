from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.forms import AdminUserCreationForm
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse

from audit.actions import Action
from audit.admin import AuditedAdmin
from common.ids import normalise_email
from users.confirming import require_recent
from users.former_addresses import undoable_changes_from
from users.models import User

# Only those who may do everything already can hand that on.
_POWERS = ("is_staff", "is_superuser", "groups")


class NewUserForm(AdminUserCreationForm):  # type: ignore[type-arg]
    """A user ID made by staff. Its password is one that staff hand over and its owner changes."""

    class Meta:
        model = User
        fields = ("email", "first_name", "last_name")

    def clean_email(self) -> str:
        email = normalise_email(self.cleaned_data["email"])
        if User.objects.filter(email=email).exists() or undoable_changes_from(email).exists():
            raise forms.ValidationError("There is a user ID with this address already.")
        return email


@admin.register(User)
class UserAdmin(AuditedAdmin):
    """User IDs. The address is its owner's to change, so it is fixed here once it is there."""

    added_action = Action.USER_CREATED
    changed_action = Action.USER_CHANGED
    unrecorded: ClassVar[frozenset[str]] = frozenset({"password1", "password2", "usable_password"})

    list_display = ("email", "get_full_name", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email", "first_name", "last_name")
    ordering = ("email",)
    filter_horizontal = ("groups",)
    readonly_fields = ("email", "email_verified_at", "last_login", "created_at", "closed_at")
    fields = (
        ("email", "email_verified_at"),
        ("first_name", "last_name"),
        "phone",
        ("language", "timezone"),
        "is_active",
        _POWERS,
        ("created_at", "last_login", "closed_at"),
    )
    add_fields = (
        "email",
        ("first_name", "last_name"),
        "usable_password",
        ("password1", "password2"),
    )

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Whoever makes or changes a user ID here can give it every right."""
        # A new one's password, which is not sent again, is typed after the question.
        if request.method == "POST" or object_id is None:
            require_recent(request)
        response: HttpResponse = super().changeform_view(
            request, object_id, form_url, extra_context
        )
        return response

    def subject_of(self, obj: User) -> str:
        return f"user {obj.email}"

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if obj is None:
            kwargs = {"form": NewUserForm, **kwargs}
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj is not None else self.add_fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ()
        fixed = self.readonly_fields
        return fixed if request.user.is_superuser else (*fixed, *_POWERS)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may do everything is changed, and shut out, only by another such."""
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or not obj.is_superuser or request.user.is_superuser)


@admin.register(Group)
class GroupAdmin(AuditedAdmin):
    """What staff of one kind may do in these tables."""

    added_action = Action.GROUP_CHANGED
    changed_action = Action.GROUP_CHANGED
    search_fields = ("name",)
    ordering = ("name",)
    filter_horizontal = ("permissions",)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """What a group may do, everybody in it may."""
        if request.method == "POST":
            require_recent(request)
        response: HttpResponse = super().changeform_view(
            request, object_id, form_url, extra_context
        )
        return response

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Who could add to a group's rights could add to their own."""
        return () if request.user.is_superuser else ("permissions",)
