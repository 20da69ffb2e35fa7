"""The words of documents and their mails, one complete set per language."""

from invoices.rendering.wording.base import MailWording, Wording
from invoices.rendering.wording.english import ENGLISH
from invoices.rendering.wording.french import FRENCH
from invoices.rendering.wording.german import GERMAN

__all__ = ["LANGUAGES", "MailWording", "Wording", "wording_for"]

_BY_LANGUAGE = {"en": ENGLISH, "de": GERMAN, "fr": FRENCH}
LANGUAGES = frozenset(_BY_LANGUAGE)


def wording_for(language: str) -> Wording:
    """The words for one of LANGUAGES."""
    return _BY_LANGUAGE[language]
