"""Ten codes on paper, for when no other method is at hand; each works once."""

import secrets
from typing import Final

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.utils import timezone

from twofactor.changing import lock_methods
from twofactor.models import RecoveryCode, RecoveryCodes
from twofactor.typed_codes import recovery_code
from users.models import User

HOW_MANY: Final = 10
# From which on a person is reminded to make new ones.
FEW: Final = 3
# Crockford's base 32: no letter that is taken for a digit, and no u.
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH: Final = 12
# By which a row is found; the ten others are secret: 50 bits, under the password hasher.
_SELECTOR: Final = 2
_GROUP: Final = 4


def make_codes(user: User) -> list[str]:
    """Ten new codes, to be shown once; the former ones work no more."""
    codes = _distinct_codes()
    rows = [
        RecoveryCode(selector=code[:_SELECTOR], code_hash=make_password(code)) for code in codes
    ]
    with transaction.atomic():
        lock_methods(user)
        made, is_new = RecoveryCodes.objects.get_or_create(
            user=user, defaults={"name": "recovery codes"}
        )
        if not is_new:
            made.codes.all().delete()
            made.version += 1
            made.made_at = timezone.now()
            made.save(update_fields=["version", "made_at"])
        for row in rows:
            row.codes = made
        RecoveryCode.objects.bulk_create(rows)
    return [_grouped(code) for code in codes]


def use_code(user: User, code: str) -> RecoveryCodes | None:
    """The set of ``user`` that ``code`` belongs to; the code is used up then.

    One hash is computed whatever was entered, so the time it takes tells nothing. The row is
    taken by a condition on itself, so of several requests with one code one gets it.
    """
    typed = recovery_code(code)
    row = (
        RecoveryCode.objects.select_related("codes")
        .filter(codes__user=user, selector=typed[:_SELECTOR], used_at=None)
        .first()
    )
    if row is None:
        make_password(typed)
        return None
    if not check_password(typed, row.code_hash):
        return None
    unused = RecoveryCode.objects.filter(pk=row.pk, used_at=None)
    return row.codes if unused.update(used_at=timezone.now()) else None


def codes_left(user: User) -> int:
    return RecoveryCode.objects.filter(codes__user=user, used_at=None).count()


def _distinct_codes() -> list[str]:
    """No two begin alike, so that each is found by how it begins."""
    by_selector: dict[str, str] = {}
    while len(by_selector) < HOW_MANY:
        code = "".join(secrets.choice(_ALPHABET) for _place in range(_LENGTH))
        by_selector.setdefault(code[:_SELECTOR], code)
    return list(by_selector.values())


def _grouped(code: str) -> str:
    return "-".join(code[start : start + _GROUP] for start in range(0, _LENGTH, _GROUP))
