"""Why a billing run or one of its accounts is not moved on; messages are for staff."""

from common.exceptions import DomainError


class RunNotWaiting(DomainError):
    """Only a run whose drafts wait can be approved."""


class RunNotStopped(DomainError):
    """Only a run that was stopped can be resumed, and one that was stopped is not stopped again."""


class RunStopped(DomainError):
    """Nothing of a stopped run is taken up but the run as a whole."""


class ItemBusy(DomainError):
    """Drafts are discarded only while nobody issues them."""


class ItemNotParked(DomainError):
    """Only an account that was parked is taken up again by hand."""
