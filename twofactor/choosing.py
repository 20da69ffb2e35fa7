"""Which method a person is asked for, and how the pages tell of the others."""

from collections.abc import Collection
from dataclasses import dataclass

from django.utils.translation import gettext as _

from twofactor.methods import Kind, Methods, methods_of
from twofactor.sms import codes as sms_codes
from twofactor.sms.numbers import ending
from users.models import User

_EXAMPLE = "k7m2-x9qp-4dtw"


@dataclass(frozen=True, slots=True)
class Choice:
    """A method that a person can be asked for instead."""

    kind: Kind
    words: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page asks for: a code of ``kind``; None when the person has nothing that works."""

    methods: Methods
    kind: Kind | None
    others: tuple[Choice, ...]
    # Whether a text message is on its way for what the page is about.
    is_sent: bool
    # What is taken here; the person may have more.
    kinds: Collection[Kind]

    def is_left_out(self, kind: Kind) -> bool:
        """Whether the person has it, and it is not taken here."""
        return kind in self.methods.kinds and kind not in self.kinds

    @property
    def needs_sending(self) -> bool:
        return self.kind is Kind.SMS and not self.is_sent

    @property
    def phone_ending(self) -> str:
        phone = self.methods.phone
        return ending(phone.number) if phone else ""

    @property
    def help_text(self) -> str:
        """Where the person finds the code."""
        apps = self.methods.apps
        match self.kind:
            case Kind.SMS:
                return _(
                    "We sent it to the number that ends in %(ending)s. It works for five minutes."
                ) % {"ending": self.phone_ending}
            case Kind.RECOVERY_CODE:
                return _(
                    "One of the codes that you kept, such as %(example)s. Each works once."
                ) % {"example": _EXAMPLE}
            case _ if len(apps) > 1:
                names = ", ".join(app.name for app in apps)
                return _("Six digits, from any of your apps: %(names)s.") % {"names": names}
        return _("The six digits that your authenticator app shows now.")


def ask(
    user: User, *, wanted: str, bound_to: str, kinds: Collection[Kind] = frozenset(Kind)
) -> Asked:
    """The method that ``wanted`` names if it is theirs and in ``kinds``, else the best that is."""
    methods = methods_of(user)
    usable = [
        kind
        for kind in methods.kinds
        if kind in kinds and (kind is not Kind.SMS or sms_codes.is_sms_offered())
    ]
    kind = next((kind for kind in usable if kind.value == wanted), next(iter(usable), None))
    others = tuple(Choice(each, _words(each)) for each in usable if each is not kind)
    is_sent = (
        kind is Kind.SMS
        and methods.phone is not None
        and sms_codes.is_on_its_way(methods.phone, bound_to=bound_to)
    )
    return Asked(methods, kind, others, is_sent, kinds)


def _words(kind: Kind) -> str:
    match kind:
        case Kind.APP:
            return _("Use your authenticator app")
        case Kind.SMS:
            return _("Get a code by text message")
        case Kind.RECOVERY_CODE:
            return _("Use a recovery code")
