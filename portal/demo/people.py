"""Who can sign in to the sample operator, and with which password."""

from dataclasses import dataclass
from pathlib import Path

from django.utils import timezone

from accounts.models import Membership
from accounts.permissions import Flag
from common.embedded.places import Places
from common.ids import new_public_id
from twofactor.methods import methods_of
from twofactor.models import SmsPhone, TwoFactor
from users.models import User

STAFF_EMAIL = "staff@brightwater.example"
# An example of libphonenumber's, as E.164.
STAFF_PHONE = "+447400123456"
# Members of different standing, and an owner who reads German.
_SIGN_IN = (
    "alice@hartwell.example",
    "bob@hartwell.example",
    "charlie@hartwell.example",
    "dana@hartwell.example",
    "juergen@mueller-soehne.example",
)


@dataclass(frozen=True, slots=True)
class SignIn:
    """One line of what is printed: an address, and who that is."""

    email: str
    standing: str


def let_people_sign_in(*, password: str) -> list[SignIn]:
    """Give ``password`` to the people of the sample who are meant to be tried, staff included."""
    staff = User.objects.filter(email=STAFF_EMAIL).first()
    if staff is None:
        staff = User.objects.create_superuser(STAFF_EMAIL, password)
    _let_in(staff, password)
    _have_codes_sent(staff)
    standing = "staff of the operator, at /console/; the code it asks for is sent to /mailbox/"
    people = [SignIn(STAFF_EMAIL, standing)]
    for email in reversed(_SIGN_IN):
        user = User.objects.get(email=email)
        _let_in(user, password)
        people.insert(0, SignIn(email, _standing(user)))
    return people


def demo_password() -> str:
    """One for this installation, made at the first call and kept beside its other secrets.

    Not a fixed one: the panel may be put on a network to be shown to somebody.
    """
    file: Path = Places.of_environment().secret("demo_password")
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text("-".join(_new_word() for _ in range(3)))
    return file.read_text()


def _new_word() -> str:
    """Five letters and digits that are easy to copy by eye; three words have 75 bits."""
    return new_public_id()[:5]


def _let_in(user: User, password: str) -> None:
    """Leave a password that is right alone: a new hash would end the person's sessions."""
    if user.email_verified_at is None:
        user.email_verified_at = timezone.now()
        user.save(update_fields=["email_verified_at"])
    if not user.check_password(password):
        user.set_password(password)
        user.save(update_fields=["password"])


def _have_codes_sent(staff: User) -> None:
    """Staff's pages are for two-factor alone; a text message's code can be read in the mailbox."""
    if methods_of(staff).standing_alone:
        return
    SmsPhone.objects.create(
        user=staff,
        name=STAFF_PHONE,
        number=STAFF_PHONE,
        confirmed=True,
        confirmed_at=timezone.now(),
    )
    TwoFactor.objects.get_or_create(user=staff)


def _standing(user: User) -> str:
    told = []
    memberships = Membership.objects.filter(user=user).select_related("account").order_by("pk")
    for membership in memberships:
        if membership.is_owner:
            right = "owner"
        else:
            right = " and ".join(Flag(flag).value.replace("_", " ") for flag in membership.flags)
        invoices = ", gets its invoices by email" if membership.receives_invoices else ""
        told.append(f"{right or 'no right'} in {membership.account}{invoices}")
    return "; ".join(told)
