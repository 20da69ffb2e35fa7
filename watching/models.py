"""What the watching itself has to remember.

What is wrong is not stored: each look finds it anew.
"""

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now


class SignOfLife(models.Model):
    """When a part of the installation was last heard, by the database's clock."""

    name = models.CharField(max_length=40, primary_key=True)
    heard_at = models.DateTimeField(db_default=Now())
    # Since when its signs have come without a gap.
    steady_since = models.DateTimeField(db_default=Now())
    # Which process gave the last one, as an operator would look for it.
    given_by = models.CharField(max_length=200, blank=True, db_default="")

    class Meta:
        verbose_name_plural = "signs of life"

    def __str__(self) -> str:
        return f"{self.name}, heard at {self.heard_at:%Y-%m-%d %H:%M:%S}"


class RaisedAlarm(models.Model):
    """An alarm that the watchman has seen, and how far the operator has been told of it.

    seen → raised, once it has lasted → over, once it has stayed away. The row goes when the
    operator has been told that it is over, or when it was over before it was raised.
    """

    code = models.CharField(max_length=40)
    subject = models.CharField(max_length=100, blank=True)
    says = models.TextField()
    since = models.DateTimeField(null=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    raised_at = models.DateTimeField(null=True)
    over_at = models.DateTimeField(null=True)
    # When the last mail went that said it is there.
    told_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["code", "subject"], name="alarm_raised_once"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.subject}".strip()
