"""Which methods a person has, and whether two-factor authentication is on."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from django.http import HttpRequest
from django_otp.models import Device

from twofactor.models import AuthenticatorApp, RecoveryCodes, SmsPhone, TwoFactor
from twofactor.sms.numbers import named
from users.models import User


class Kind(StrEnum):
    """How a code reaches a person."""

    APP = "app"
    SMS = "sms"
    RECOVERY_CODE = "recovery"


# Of which a person needs one before two-factor can be on; recovery codes are a backup only.
STANDING_ALONE = frozenset({Kind.APP, Kind.SMS})

_KINDS: dict[type[Device], Kind] = {
    AuthenticatorApp: Kind.APP,
    SmsPhone: Kind.SMS,
    RecoveryCodes: Kind.RECOVERY_CODE,
}


@dataclass(frozen=True, slots=True)
class Methods:
    """What a person has set up. ``codes_left`` counts unused recovery codes."""

    is_enabled: bool
    apps: tuple[AuthenticatorApp, ...]
    phone: SmsPhone | None
    codes: RecoveryCodes | None
    codes_left: int

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Those that a code can be asked of, the best first."""
        there = {
            Kind.APP: bool(self.apps),
            Kind.SMS: self.phone is not None,
            Kind.RECOVERY_CODE: self.codes_left > 0,
        }
        return tuple(kind for kind, is_there in there.items() if is_there)

    @property
    def standing_alone(self) -> frozenset[Kind]:
        return STANDING_ALONE.intersection(self.kinds)


def methods_of(user: User) -> Methods:
    """As they stand at this moment; what was begun and not confirmed is none."""
    codes = RecoveryCodes.objects.filter(user=user).first()
    return Methods(
        is_enabled=is_enabled(user),
        apps=tuple(AuthenticatorApp.objects.filter(user=user, confirmed=True).order_by("pk")),
        phone=SmsPhone.objects.filter(user=user, confirmed=True).first(),
        codes=codes,
        codes_left=codes.codes.filter(used_at=None).count() if codes else 0,
    )


def confirmed_app(user: User, public_id: UUID) -> AuthenticatorApp | None:
    return AuthenticatorApp.objects.filter(user=user, public_id=public_id, confirmed=True).first()


def confirmed_phone(user: User, public_id: UUID) -> SmsPhone | None:
    return SmsPhone.objects.filter(user=user, public_id=public_id, confirmed=True).first()


def is_enabled(user: User) -> bool:
    """Whether every sign-in of ``user`` asks for a code."""
    return TwoFactor.objects.filter(user=user).exists()


def kind_of(device: Device) -> Kind:
    return _KINDS[type(device)]


def name_of(device: Device) -> str:
    """What its person reads of it in a sentence."""
    return named(device.number) if isinstance(device, SmsPhone) else str(device.name)


def kind_of_session(request: HttpRequest) -> Kind | None:
    """With what the signed-in person has shown a second factor in this session, if with any.

    From the device that django-otp's middleware found: a removed one counts no more.
    """
    device = getattr(request.user, "otp_device", None)
    return None if device is None else kind_of(device)
