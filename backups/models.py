import uuid
from typing import ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from backups.heads import heads_from_json


class Witness(models.Model):
    """How many times something was let out, in one row (docs/decisions/0062).

    The number goes up and is committed before documents or mail leave, and a copy of it lies with
    the documents: a copy that is ahead of the row shows that the row's database is an older one. A
    trigger holds that the number only counts on.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    # Which installation it is: it goes along with every copy of the database, and a new database
    # has one of its own, whatever another has left in the same storage.
    installation = models.UUIDField(default=uuid.uuid4, editable=False)
    counter = models.BigIntegerField(default=0, editable=False)

    class Meta:
        verbose_name_plural = "witness"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=Q(id=1), name="witness_is_one_row"),
        ]

    def __str__(self) -> str:
        return f"{self.counter:,} batches let out"


class Setback(models.Model):
    """This database was found to be older than what has left: it waits for an acknowledgement.

    Until then nothing is issued, rendered or mailed. At most one is open.
    """

    class Source(models.TextChoices):
        # A copy of the witness in the storage was ahead.
        WITNESS = "witness"
        # `manage.py restore` made this database, and nothing proves that no more had left.
        RESTORE = "restore"
        # Somebody said so: storage and database were set back together.
        DECLARED = "declared"

    source = models.CharField(max_length=20, choices=Source.choices)
    found_at = models.DateTimeField(db_default=Now(), editable=False)
    # Of this database, and of the newest copy in the storage; none where no copy is ahead.
    counter = models.BigIntegerField()
    witness_counter = models.BigIntegerField(null=True)
    witnessed_at = models.DateTimeField(null=True)
    # The last number of each series that is known to be out: backups.heads.
    heads = models.JSONField(default=list, encoder=DjangoJSONEncoder)
    # What was decided: prefixes that new ones follow, and prefixes whose numbers are given again.
    followed = models.JSONField(default=dict)
    reused = models.JSONField(default=list)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=320, blank=True)
    note = models.TextField(blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["acknowledged_at"],
                condition=Q(acknowledged_at__isnull=True),
                nulls_distinct=False,
                name="setback_one_is_open",
            ),
            models.CheckConstraint(
                condition=Q(acknowledged_at__isnull=True) | (~Q(acknowledged_by="") & ~Q(note="")),
                name="setback_acknowledged_says_by_whom",
            ),
        ]

    def __str__(self) -> str:
        return f"database set back, found {self.found_at:%Y-%m-%d %H:%M}"

    @property
    def knows_heads(self) -> bool:
        """Whether ``heads`` say which numbers are out; if not, any series may be further."""
        return self.witnessed_at is not None

    def in_words(self) -> str:
        """What is known and what to do, in sentences for staff."""
        if self.witness_counter is None:
            known = (
                "This database was restored or set back, and what was sent after that moment is"
                " not known."
            )
        else:
            known = "This database is older than what has been sent."
        if numbers := ", ".join(head.number for head in heads_from_json(self.heads)):
            known += f" Numbers are out up to {numbers}."
        return (
            f"{known} Nothing is issued, rendered or mailed until `manage.py acknowledge_restore`"
            " has been run."
        )


class CompletedBackup(models.Model):
    """A backup that was made to its end. The row is written after the dump, which lacks it."""

    name = models.CharField(max_length=40, help_text="its folder in the backup folder")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    dump_bytes = models.BigIntegerField()
    # What the rows of the dump refer to; none of it where documents are backed up otherwise.
    documents = models.PositiveIntegerField()
    document_bytes = models.BigIntegerField()
    has_documents = models.BooleanField(default=True)
    faults = models.PositiveIntegerField(help_text="documents that were missing or altered")
    unreachable = models.PositiveIntegerField(
        db_default=0,
        help_text="documents that the storage did not hand out; nothing is wrong with them",
    )

    class Meta:
        get_latest_by = "finished_at"
        ordering: ClassVar[list[str]] = ["-finished_at"]

    def __str__(self) -> str:
        return f"backup {self.name}"
