"""Which addresses a message can be sent to, and how their domains are spelled in ASCII."""

import re
import unicodedata
from dataclasses import dataclass

from django.utils.translation import gettext as _

from common.exceptions import DomainError
from common.ids import normalise_email
from mail.models import ADDRESS_LENGTH

# RFC 5321, 4.5.3.1.1, in octets.
_LOCAL_PART_LENGTH = 64
# RFC 5322 dot-atom, with every printable character beyond ASCII as RFC 6531 allows. Quoted local
# parts ("a b"@example.com) are legal too, but rare, and they are where parsers disagree.
_ATOM = r"[\w!#$%&'*+/=?^`{|}~\u0080-\U0010ffff-]+"
_LOCAL_PART = re.compile(rf"{_ATOM}(\.{_ATOM})*")
_PUNYCODE = "xn--"
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class UnusableAddress(DomainError):
    """The text is not one address that a mail server could take."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address and the name to show with it."""

    address: str
    name: str = ""


def envelope_address(address: str) -> str:
    """``address`` as it stands in SMTP commands and headers: the domain in ASCII.

    The local part is kept as it is; one beyond ASCII needs a server that speaks SMTPUTF8. Raises
    UnusableAddress, which also keeps line breaks and further recipients out of headers.
    """
    local_part, at, domain = address.rpartition("@")
    if not (at and _is_local_part(local_part)):
        raise UnusableAddress(_unusable(address))
    spelled = f"{local_part}@{_ascii_domain(domain, address=address)}"
    if len(spelled.encode()) > ADDRESS_LENGTH:
        raise UnusableAddress(_unusable(address))
    return spelled


def comparable(address: str) -> str:
    """The one spelling under which addresses that mail goes to are compared.

    Beyond ``normalise_email``, a domain is the same in Unicode and in ASCII: mail that is stopped
    for one spelling would go to the other. What no mail server could take is compared as it stands.
    """
    normalised = normalise_email(address)
    try:
        return envelope_address(normalised)
    except UnusableAddress:
        return normalised


def spellings(address: str) -> frozenset[str]:
    """As which ``address`` may be on file, in small letters: with its domain in ASCII or not."""
    compared = comparable(address)
    local_part, at, domain = compared.rpartition("@")
    in_unicode = f"{local_part}{at}{'.'.join(_in_unicode(label) for label in domain.split('.'))}"
    forms = (normalise_email(address), compared, in_unicode)
    # Labels may decode to what is no address, nor even text.
    return frozenset(form for form in forms if comparable(form) == compared)


def _in_unicode(label: str) -> str:
    if not label.startswith(_PUNYCODE):
        return label
    try:
        return label.removeprefix(_PUNYCODE).encode("ascii").decode("punycode")
    except UnicodeError:
        return label


def _is_local_part(text: str) -> bool:
    return (
        text.isprintable()
        and _LOCAL_PART.fullmatch(text) is not None
        and len(text.encode()) <= _LOCAL_PART_LENGTH
    )


def _ascii_domain(domain: str, *, address: str) -> str:
    """IDNA 2008 as browsers apply it (UTS 46, non-transitional): ß stays ß.

    Python's own "idna" codec is the standard of 2003, which turns ß into ss: another domain, that
    may be somebody else's.
    """
    labels = unicodedata.normalize("NFKC", domain).lower().split(".")
    spelled = [label if label.isascii() else _punycode(label) for label in labels]
    if not all(_LABEL.fullmatch(label) for label in spelled):
        raise UnusableAddress(_unusable(address))
    return ".".join(spelled)


def _punycode(label: str) -> str:
    """The ASCII form of a label; empty when it holds more than letters, marks, digits, hyphens."""
    if any(unicodedata.category(character)[0] not in "LMN" for character in label.replace("-", "")):
        return ""
    return f"{_PUNYCODE}{label.encode('punycode').decode('ascii')}"


def _unusable(address: str) -> str:
    return _("%(address)s is not an email address that mail can be sent to.") % {
        "address": ascii(address)
    }
