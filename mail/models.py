from datetime import UTC, datetime
from typing import ClassVar

from django.db import models
from django.db.models.functions import Now

from common.claims import Claimable

# RFC 5321, 4.5.3.1: what fits between the angle brackets of a command.
ADDRESS_LENGTH = 254
# An enhanced status code such as 5.1.1: each number has three digits at most.
STATUS_LENGTH = 11

# States of a row that is work still to be done, as the indexes that serve claims spell them.
_UNFINISHED = ["queued", "deferred", "uncertain", "sending"]
_STATES = [*_UNFINISHED, "withheld", "sent", "failed", "bounced"]

# PostgreSQL keeps years that Python cannot read back; mail.bounces is stricter still.
_READABLE_YEARS = (datetime(2000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC))


class OutgoingEmail(Claimable):
    """One message to one recipient: what it says, fixed when the row is made, and how it fares.

    Everything that ends up in the bytes (bodies, names, Message-ID, date, boundary, the hash of the
    attached document) is refused any change by the database, so that a second copy, where a broken
    connection makes one possible, is the same message to the byte and to the mail server.

    ``account_id`` and ``batch_id`` are plain ids: this package lies below accounts and billing.
    """

    class State(models.TextChoices):
        QUEUED = "queued"
        # Its batch is held back: see mail.outbox.withhold.
        WITHHELD = "withheld"
        SENDING = "sending"
        # A server took responsibility for it.
        SENT = "sent"
        # Tried, or its turn came while no server answered; goes again at next_attempt_at.
        DEFERRED = "deferred"
        # The connection broke after the content: it may have arrived, and goes again, unchanged.
        UNCERTAIN = "uncertain"
        FAILED = "failed"
        # Accepted by a server first, returned later.
        BOUNCED = "bounced"

    state = models.CharField(max_length=20, choices=State.choices, default=State.QUEUED)
    # Derived from dedup_key, so that whoever asks for the same message twice learns the same id.
    id = models.UUIDField(primary_key=True, editable=False)
    dedup_key = models.CharField(
        max_length=200, unique=True, help_text="made of ids; one message ever has it"
    )
    account_id = models.BigIntegerField(null=True)
    # A billing run, whose mail can be withheld as one.
    batch_id = models.UUIDField(null=True)
    kind = models.CharField(max_length=60, help_text="name of its templates")

    sender_address = models.CharField(max_length=ADDRESS_LENGTH)
    sender_name = models.CharField(max_length=250, blank=True)
    reply_to = models.CharField(max_length=ADDRESS_LENGTH, blank=True)
    recipient_address = models.CharField(max_length=ADDRESS_LENGTH)
    recipient_name = models.CharField(max_length=250, blank=True)
    subject = models.CharField(max_length=250)
    text_body = models.TextField()
    html_body = models.TextField(blank=True)
    headers = models.JSONField(default=dict, help_text="further header fields, name to value")
    message_id = models.CharField(max_length=320)
    date = models.DateTimeField()
    boundary = models.CharField(max_length=64)

    attachment_key = models.CharField(max_length=200, blank=True, help_text="in document storage")
    attachment_filename = models.CharField(max_length=200, blank=True)
    attachment_sha256 = models.CharField(max_length=64, blank=True)
    attachment_content_type = models.CharField(max_length=100, blank=True)

    # A link that carries a token is made when the message is sent (mail.links); until then the
    # marker stands in the bodies.
    link_purpose = models.CharField(max_length=60, blank=True, default="", db_default="")
    link_row = models.UUIDField(null=True)
    link_marker = models.CharField(max_length=40, blank=True, default="", db_default="")

    # 4xx answers so far; mail.sending has the schedule. (Claimable.attempts counts crashes.)
    deferrals = models.PositiveSmallIntegerField(default=0)
    # Some attempt broke after the content had left: never taken back, whatever happens next.
    may_have_arrived = models.BooleanField(default=False)
    server_response = models.TextField(blank=True, help_text="the mail server's last words")
    sent_at = models.DateTimeField(null=True)
    # What a server further on said of it after ours had accepted it; see mail.bounces.
    returned_at = models.DateTimeField(null=True)
    returned_status = models.CharField(
        max_length=STATUS_LENGTH, blank=True, default="", db_default="", help_text="RFC 3463"
    )
    returned_words = models.TextField(blank=True, default="", db_default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            # What composite foreign keys of tenant tables refer to (common.tenancy).
            models.UniqueConstraint(fields=["account_id", "id"], name="email_tenant_key"),
            models.CheckConstraint(
                condition=models.Q(state__in=_STATES), name="email_state_is_known"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    state="sending", lease_token__isnull=False, leased_until__isnull=False
                )
                | (~models.Q(state="sending") & models.Q(lease_token__isnull=True)),
                name="email_leased_while_sending",
            ),
            models.CheckConstraint(
                condition=~models.Q(state__in=["sent", "bounced"])
                | models.Q(sent_at__isnull=False),
                name="email_sent_says_when",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    attachment_key="",
                    attachment_filename="",
                    attachment_sha256="",
                    attachment_content_type="",
                )
                | (
                    ~models.Q(attachment_key="")
                    & ~models.Q(attachment_filename="")
                    & ~models.Q(attachment_sha256="")
                    & ~models.Q(attachment_content_type="")
                ),
                name="email_attachment_is_whole",
            ),
            models.CheckConstraint(
                condition=models.Q(link_purpose="", link_row__isnull=True, link_marker="")
                | (
                    ~models.Q(link_purpose="")
                    & models.Q(link_row__isnull=False)
                    & ~models.Q(link_marker="")
                ),
                name="email_link_is_whole",
            ),
            models.CheckConstraint(
                condition=models.Q(returned_at__isnull=True)
                | models.Q(returned_at__range=_READABLE_YEARS),
                name="email_returned_in_a_readable_year",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            # The two halves of a claim: fresh rows, and rows that were begun before.
            models.Index(
                fields=["next_attempt_at", "id"],
                condition=models.Q(state__in=_UNFINISHED, attempts=0),
                name="email_due_fresh",
            ),
            models.Index(
                fields=["next_attempt_at", "id"],
                condition=models.Q(state__in=_UNFINISHED, attempts__gt=0),
                name="email_due_again",
            ),
            models.Index(
                fields=["batch_id"],
                condition=models.Q(batch_id__isnull=False),
                name="email_by_batch",
            ),
            models.Index(fields=["-created_at", "-id"], name="email_newest_first"),
            models.Index(
                fields=["-created_at", "-id"],
                condition=models.Q(state__in=["failed", "bounced"]),
                name="email_to_look_at",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.recipient_address} ({self.state})"

    @property
    def has_attachment(self) -> bool:
        return bool(self.attachment_key)


class HeldBatch(models.Model):
    """A batch whose mail must not leave, whenever it is queued.

    A mark and not only a state of the rows: a worker may be queueing mail of the batch at the very
    moment it is stopped, and those rows are not there yet to be changed.
    """

    batch_id = models.UUIDField(primary_key=True)
    held_since = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name_plural = "held batches"

    def __str__(self) -> str:
        return f"batch {self.batch_id}, held"


class SuppressedAddress(models.Model):
    """An address that nothing is sent to: mail for it fails visibly, unsent.

    ``address`` is spelled as ``mail.addresses.comparable`` has it. ``reason`` is for staff;
    customers read what ``kind`` and ``status`` mean (mail.return_words).
    """

    class Kind(models.TextChoices):
        # A server returned mail to it for good.
        RETURNED = "returned"
        # Its reader called our mail spam.
        COMPLAINT = "complaint"
        STAFF = "staff", "stopped by staff"

    address = models.CharField(max_length=ADDRESS_LENGTH, unique=True)
    kind = models.CharField(
        max_length=20, choices=Kind.choices, default=Kind.STAFF, db_default=Kind.STAFF
    )
    status = models.CharField(
        max_length=STATUS_LENGTH, blank=True, default="", db_default="", help_text="RFC 3463"
    )
    reason = models.CharField(max_length=200)
    since = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name_plural = "suppressed addresses"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(kind__in=["returned", "complaint", "staff"]),
                name="suppressed_kind_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.address}: {self.reason}"


class MailReport(models.Model):
    """What a source told of a message after it was sent: kept as told, with whatever came of it.

    The id is derived from source and event id, so the same report twice is one row. A report about
    no message of ours has neither ``email`` nor effect, and staff see it. One about a message that
    a worker has in hand waits (``settled_at`` is empty) until that is over.
    """

    class Kind(models.TextChoices):
        DELIVERED = "delivered"
        # The server further on could not be reached yet; it goes on being tried.
        DELAYED = "delayed"
        # For good: nobody tries any more.
        RETURNED = "returned"
        COMPLAINT = "complaint"

    id = models.UUIDField(primary_key=True, editable=False)
    source = models.CharField(max_length=40, help_text="who told: an email service, the mailbox")
    event_id = models.CharField(max_length=250, help_text="the source's own name for the report")
    account_id = models.BigIntegerField(null=True)
    email = models.ForeignKey(
        OutgoingEmail,
        on_delete=models.PROTECT,
        null=True,
        db_constraint=False,
        related_name="reports",
    )
    kind = models.CharField(max_length=20, choices=Kind.choices)
    is_permanent = models.BooleanField(default=False)
    status = models.CharField(max_length=STATUS_LENGTH, blank=True, help_text="RFC 3463")
    words = models.TextField(blank=True, help_text="the remote server's")
    about = models.CharField(max_length=320, blank=True, help_text="what it called the message")
    recipient = models.CharField(max_length=ADDRESS_LENGTH, blank=True)
    happened_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField(db_default=Now(), editable=False)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["source", "event_id"], name="report_once"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["delivered", "delayed", "returned", "complaint"]),
                name="report_kind_is_known",
            ),
            models.CheckConstraint(
                condition=models.Q(happened_at__isnull=True)
                | models.Q(happened_at__range=_READABLE_YEARS),
                name="report_of_a_readable_year",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["received_at"],
                condition=models.Q(settled_at__isnull=True, email__isnull=False),
                name="report_waiting",
            ),
            models.Index(
                fields=["-received_at", "-id"],
                condition=models.Q(email__isnull=True),
                name="report_about_no_message",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}, told by {self.source}"
