import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils import timezone

from common.ids import normalise_email
from common.tokens import new_nonce

# Of a page that somebody is to be led to.
LONGEST_PATH = 2000


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A user ID for ``email``; without a password nobody can sign in as it yet."""
        user = self.model(email=normalise_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str, **fields: Any) -> "User":
        """Typed at a terminal of the operator's own: whose address it is needs no proof."""
        fields.setdefault("email_verified_at", timezone.now())
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, email: str | None) -> "User":
        return self.get(email=normalise_email(email or ""))


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in. What they may do is on their memberships, never here.

    ``email`` is kept in its normalised form (``common.ids.normalise_email``), and unique in it.
    """

    email = models.EmailField("email address", max_length=254)
    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    language = models.CharField(max_length=10, default="en")
    timezone = models.CharField(max_length=64, default="UTC")
    email_verified_at = models.DateTimeField(null=True, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField("operator's staff", default=False)
    # By its person; the row then keeps neither name nor address (users.closing).
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = "user ID"
        verbose_name_plural = "user IDs"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["email"], name="user_email_is_unique"),
            models.CheckConstraint(
                condition=models.Q(email=Lower("email")), name="user_email_is_normalised"
            ),
        ]

    def __str__(self) -> str:
        return self.email

    def get_full_name(self) -> str:
        """First and last name, or the empty string when neither is known."""
        return f"{self.first_name} {self.last_name}".strip()

    def get_short_name(self) -> str:
        return self.first_name or self.email


class UserSession(AbstractBaseSession):
    """A browser's session, under the SHA-256 of its key (``users.session_store``).

    Gone is ended: whoever ends a session deletes its row.
    """

    # In hexadecimal digits.
    session_key = models.CharField(max_length=64, primary_key=True)
    # Empty until somebody has signed in.
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sessions", null=True)
    started_at = models.DateTimeField()
    # Written at most every few minutes (users.middleware).
    last_seen_at = models.DateTimeField()

    class Meta(AbstractBaseSession.Meta):
        abstract = False
        verbose_name = "session"
        verbose_name_plural = "sessions"

    @property
    def public_id(self) -> uuid.UUID:
        """What its page calls it: half of a hash, of which nobody makes the key."""
        return uuid.UUID(self.session_key[:32])

    @classmethod
    def get_session_store_class(cls) -> Any:
        raise TypeError("a hash of its key opens no session")


class EmailedLink(models.Model):
    """A link that proves an address to be its reader's: for one purpose, once, for a while."""

    class Purpose(models.TextChoices):
        SIGN_UP = "sign_up"
        PASSWORD_RESET = "password_reset"  # noqa: S105 - the name of a purpose
        VERIFY_ADDRESS = "verify_address"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    purpose = models.CharField(max_length=20, choices=Purpose.choices)
    email = models.EmailField(max_length=254)
    # Nobody yet when it is for signing up.
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", null=True)
    nonce = models.CharField(max_length=64, default=new_nonce)
    # A path on this site, where the reader was going.
    next_page = models.CharField(max_length=LONGEST_PATH, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    # A newer one for the same purpose ends it.
    replaced_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["email", "purpose"], name="emailed_link_by_email"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} for {self.email}"


class EmailAddressChange(models.Model):
    """A person's move to another address: confirmed there, and undone from the former one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="address_changes")
    old_email = models.EmailField(max_length=254)
    new_email = models.EmailField(max_length=254)
    nonce = models.CharField(max_length=64, default=new_nonce)
    undo_nonce = models.CharField(max_length=64, default=new_nonce)
    requested_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)
    undo_until = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)
    # Another wish of the same person took its place before it was confirmed.
    replaced_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(confirmed_at__isnull=True, undo_until__isnull=True)
                | models.Q(confirmed_at__isnull=False, undo_until__isnull=False),
                name="address_change_confirmed_can_be_undone",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.old_email} to {self.new_email}"


class RateHit(models.Model):
    """One attempt that counts against a limit (``users.rate_limits``) for as long as it stands."""

    # SHA-256 of the limit's name and of what it counts by: no list of addresses that were tried.
    bucket = models.CharField(max_length=64)
    happened_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["bucket", "-happened_at"], name="rate_hit_by_bucket"),
        ]

    def __str__(self) -> str:
        return f"{self.bucket[:8]} at {self.happened_at}"
