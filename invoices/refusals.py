"""Why a document is not issued or credited. Every message names what can be done about it."""

from common.exceptions import DomainError


class InvoiceNotDraft(DomainError):
    """Only a draft can be issued or discarded."""


class DraftOutdated(DomainError):
    """What the draft was made from has changed; it must be discarded and drafted again."""


class ExchangeRateMissing(DomainError):
    """Tax must be stated in the accounting currency and nobody has said at which rate."""


class CannotCredit(DomainError):
    """The document is no issued invoice, or something has been settled against it already."""


class DocumentNotParked(DomainError):
    """Only a document whose rendering was given up is rendered again by hand."""
