import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models.functions import Now

from accounts.permissions import Flag
from common.codes import known_country, known_currency, known_locale, known_time_zone
from common.tokens import new_nonce

# Field sizes that hold what people really have: the longest company names registered in Europe
# run past 200 characters.
NAME_LENGTH = 250
ADDRESS_LENGTH = 200


class Account(models.Model):
    """The entity that buys and is billed, known outside by its number.

    Account Details (company, phone, address, tax number) stand here; the billing contact overrides
    them block by block (``accounts.contacts``). Neither this table nor Membership is under
    row-level security: they are the gate that opens an account's scope.
    """

    class Kind(models.TextChoices):
        PERSONAL = "personal"
        ORGANISATION = "organisation"

    class Status(models.TextChoices):
        ACTIVE = "active"
        SUSPENDED = "suspended"
        CLOSED = "closed"

    class TaxNumberStatus(models.TextChoices):
        UNCHECKED = "unchecked"
        VALID = "valid"
        INVALID = "invalid"

    # From 100001 up, never reused: see accounts.numbering.
    number = models.BigIntegerField(unique=True, editable=False)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.ACTIVE)
    name = models.CharField(max_length=NAME_LENGTH)
    # The customer's key in the system that charges come from.
    external_reference = models.CharField(max_length=100, null=True, blank=True, unique=True)
    timezone = models.CharField(max_length=64, default="UTC", validators=[known_time_zone])
    locale = models.CharField(max_length=10, default="en", validators=[known_locale])
    currency = models.CharField(max_length=3, validators=[known_currency], help_text="ISO 4217")

    company = models.CharField(max_length=NAME_LENGTH, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    address_line_1 = models.CharField(max_length=ADDRESS_LENGTH, blank=True)
    address_line_2 = models.CharField(max_length=ADDRESS_LENGTH, blank=True)
    address_line_3 = models.CharField(max_length=ADDRESS_LENGTH, blank=True)
    postcode = models.CharField(max_length=20, blank=True)
    city = models.CharField(max_length=100, blank=True)
    subdivision = models.CharField(max_length=100, blank=True)
    country = models.CharField(
        max_length=2, validators=[known_country], help_text="ISO 3166-1 alpha-2"
    )

    tax_number = models.CharField(max_length=40, blank=True)
    tax_number_status = models.CharField(
        max_length=20, choices=TaxNumberStatus.choices, default=TaxNumberStatus.UNCHECKED
    )
    registration_id = models.CharField(max_length=60, blank=True, help_text="EN 16931 BT-47")
    registration_scheme = models.CharField(max_length=4, blank=True, help_text="ISO 6523 code")
    electronic_address = models.CharField(max_length=100, blank=True, help_text="EN 16931 BT-49")
    electronic_address_scheme = models.CharField(max_length=4, blank=True, help_text="EAS code")
    buyer_reference = models.CharField(max_length=100, blank=True, help_text="EN 16931 BT-10")
    order_number = models.CharField(max_length=100, blank=True, help_text="EN 16931 BT-13")
    contract_number = models.CharField(max_length=100, blank=True, help_text="EN 16931 BT-12")
    project_number = models.CharField(max_length=100, blank=True, help_text="EN 16931 BT-11")
    payment_terms_days = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="empty: the seller's own terms"
    )

    # Decision 2: payment methods, contacts and the subscription are the owner's alone.
    billing_reserved_to_owner = models.BooleanField(
        "Only the owner may change billing settings", default=False, db_default=False
    )
    # Decision 5, lifted by the owner: user managers grant more than they hold.
    managers_may_grant_all = models.BooleanField(
        "User managers may grant any right but user management", default=False, db_default=False
    )
    order_number_required = models.BooleanField(
        "Bill nothing without an order number", default=False, db_default=False
    )
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(number__gte=100001), name="account_number_from_100001"
            ),
            models.CheckConstraint(
                condition=models.Q(country__regex="^[A-Z]{2}$"),
                name="account_country_is_a_code",
                violation_error_message="A country is two capital letters, such as GB.",
            ),
            models.CheckConstraint(
                condition=models.Q(currency__regex="^[A-Z]{3}$"),
                name="account_currency_is_a_code",
                violation_error_message="A currency is three capital letters, such as EUR.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.name}"


class Membership(models.Model):
    """A user's place in an account. Flags are stored, permissions are checked.

    Every account has exactly one owner when a transaction commits: at most one by a unique index,
    at least one by a deferred trigger.
    """

    public_id = models.UUIDField(
        unique=True, default=uuid.uuid4, db_default=RandomUUID(), editable=False
    )
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="memberships"
    )
    is_owner = models.BooleanField(default=False)
    flags = ArrayField(
        models.CharField(max_length=20, choices=[(flag.value, flag.name) for flag in Flag]),
        default=list,
        blank=True,
    )
    receives_invoices = models.BooleanField("Send new invoices via email", default=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["account", "user"], name="membership_is_unique"),
            models.UniqueConstraint(
                fields=["account"],
                condition=models.Q(is_owner=True),
                name="account_has_at_most_one_owner",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.account}"


class Contact(models.Model):
    """Admin contact or billing contact of an account; need not be able to sign in.

    Every field may be empty: an empty block falls back (``accounts.contacts``).
    """

    class Kind(models.TextChoices):
        ADMIN = "admin"
        BILLING = "billing"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="contacts")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    name = models.CharField(max_length=NAME_LENGTH, blank=True)
    company = models.CharField(max_length=NAME_LENGTH, blank=True)
    tax_number = models.CharField(max_length=40, blank=True)
    tax_number_status = models.CharField(
        max_length=20,
        choices=Account.TaxNumberStatus.choices,
        default=Account.TaxNumberStatus.UNCHECKED,
    )
    address_line_1 = models.CharField(max_length=ADDRESS_LENGTH, blank=True)
    address_line_2 = models.CharField(max_length=ADDRESS_LENGTH, blank=True)
    address_line_3 = models.CharField(max_length=ADDRESS_LENGTH, blank=True)
    postcode = models.CharField(max_length=20, blank=True)
    city = models.CharField(max_length=100, blank=True)
    subdivision = models.CharField(max_length=100, blank=True)
    country = models.CharField(
        max_length=2, blank=True, validators=[known_country], help_text="ISO 3166-1 alpha-2"
    )
    phone = models.CharField(max_length=40, blank=True)
    email = models.EmailField(max_length=254, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["account", "kind"], name="contact_kind_is_unique"),
            models.CheckConstraint(
                condition=models.Q(country="") | models.Q(country__regex="^[A-Z]{2}$"),
                name="contact_country_is_a_code",
                violation_error_message="A country is two capital letters, such as GB.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} contact of {self.account}"


class Invitation(models.Model):
    """A pending membership, sent to an email address. Part of the gate, as Membership is.

    What the person will be able to do, who answers for it, and until when its link can be used.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        ACCEPTED = "accepted"
        DECLINED = "declined"
        DELETED = "deleted"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="invitations")
    email = models.EmailField(max_length=254)
    flags = ArrayField(
        models.CharField(max_length=20, choices=[(flag.value, flag.name) for flag in Flag]),
        default=list,
        blank=True,
    )
    receives_invoices = models.BooleanField(default=False)
    # Whose right to invite the invitation stands on; whoever sends it again takes that over.
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    # The language that the inviter read the panel in: the best guess for somebody unknown.
    language = models.CharField(max_length=10, default="en")
    nonce = models.CharField(max_length=64, default=new_nonce)
    sent_count = models.PositiveSmallIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    state = models.CharField(max_length=20, choices=State.choices, default=State.PENDING)
    ended_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True
    )

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["account", "email"],
                condition=models.Q(state="pending"),
                name="invitation_is_open_once",
            ),
            models.CheckConstraint(
                condition=models.Q(state="pending", ended_at__isnull=True)
                | (~models.Q(state="pending") & models.Q(ended_at__isnull=False)),
                name="invitation_ended_says_when",
            ),
            models.CheckConstraint(
                condition=models.Q(state="accepted", accepted_by__isnull=False)
                | (~models.Q(state="accepted") & models.Q(accepted_by__isnull=True)),
                name="invitation_accepted_says_by_whom",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["email"], name="invitation_by_email"),
        ]

    def __str__(self) -> str:
        return f"{self.email} to {self.account} ({self.state})"


class InvoiceAddress(models.Model):
    """A further address that gets the account's invoices, once its reader has confirmed it.

    Needs no user ID. A new nonce ends the links that were sent before.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="invoice_addresses")
    email = models.EmailField(max_length=254)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    nonce = models.CharField(max_length=64, default=new_nonce)
    sent_count = models.PositiveSmallIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "invoice addresses"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["account", "email"], name="invoice_address_is_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.email} for {self.account}"


class OwnershipChange(models.Model):
    """An account on its way to another owner: offered by the owner, or handed over by staff."""

    class Kind(models.TextChoices):
        OFFER = "offer"
        HAND_OVER = "hand_over"

    class State(models.TextChoices):
        PENDING = "pending"
        COMPLETED = "completed"
        DECLINED = "declined"
        # By the owner (both kinds) or by staff (a hand-over).
        STOPPED = "stopped"
        EXPIRED = "expired"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="ownership_changes")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    from_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    to_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.TextField(blank=True, help_text="required of staff")
    # Whether the former owner stays with full access and user management (decision 4).
    former_owner_keeps_access = models.BooleanField(default=True)
    state = models.CharField(max_length=20, choices=State.choices, default=State.PENDING)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    # A hand-over happens at this time; an offer can be accepted until then.
    due_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["account"],
                condition=models.Q(state="pending"),
                name="ownership_changes_one_at_a_time",
            ),
            models.CheckConstraint(
                condition=models.Q(state="pending", ended_at__isnull=True)
                | (~models.Q(state="pending") & models.Q(ended_at__isnull=False)),
                name="ownership_change_ended_says_when",
            ),
            models.CheckConstraint(
                condition=~models.Q(kind="hand_over", reason=""),
                name="ownership_hand_over_has_a_reason",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(state="pending"),
                name="ownership_change_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.account} to {self.to_user} ({self.state})"


class AccountOffer(models.Model):
    """A further account for somebody with a user ID, which begins when they accept (row Z6)."""

    class State(models.TextChoices):
        PENDING = "pending"
        ACCEPTED = "accepted"
        DECLINED = "declined"
        WITHDRAWN = "withdrawn"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    to_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="account_offers"
    )
    kind = models.CharField(max_length=20, choices=Account.Kind.choices)
    name = models.CharField(max_length=NAME_LENGTH)
    country = models.CharField(max_length=2, validators=[known_country])
    currency = models.CharField(max_length=3, validators=[known_currency])
    timezone = models.CharField(max_length=64, validators=[known_time_zone])
    offered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    nonce = models.CharField(max_length=64, default=new_nonce)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    state = models.CharField(max_length=20, choices=State.choices, default=State.PENDING)
    ended_at = models.DateTimeField(null=True)
    opened = models.OneToOneField(Account, on_delete=models.PROTECT, related_name="+", null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(state="pending", ended_at__isnull=True)
                | (~models.Q(state="pending") & models.Q(ended_at__isnull=False)),
                name="account_offer_ended_says_when",
            ),
            models.CheckConstraint(
                condition=models.Q(state="accepted", opened__isnull=False)
                | (~models.Q(state="accepted") & models.Q(opened__isnull=True)),
                name="account_offer_accepted_has_its_account",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} for {self.to_user} ({self.state})"
