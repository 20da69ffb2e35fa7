import uuid
from typing import ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.functions import Now


class AuditEvent(models.Model):
    """One thing that somebody did. Plain ids and no foreign keys: it outlives what it speaks of.

    The runtime role may insert and read; UPDATE and DELETE are not granted to it at all.
    """

    # Made by the program: a row without an account is invisible to its writer, so the database
    # could not return a key of its own making.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account_id = models.BigIntegerField(null=True)
    happened_at = models.DateTimeField(db_default=Now())
    action = models.CharField(max_length=60)
    actor_kind = models.CharField(max_length=20)
    actor_user_id = models.BigIntegerField(null=True)
    # As it read at the time: a name changes, the record of who acted does not.
    actor_label = models.CharField(max_length=320)
    subject = models.CharField(max_length=200, blank=True)
    details = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    remote_address = models.GenericIPAddressField(null=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-happened_at", "-id"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["account_id", "-happened_at", "-id"], name="audit_by_account"),
            models.Index(fields=["subject", "-happened_at"], name="audit_by_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.happened_at:%Y-%m-%d %H:%M} {self.actor_label} {self.action} {self.subject}"
