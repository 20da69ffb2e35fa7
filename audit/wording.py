"""Every audited action as a sentence for people. A test holds that none is without one."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit.actions import Action


class Kind(StrEnum):
    """What an event is about, for choosing among many."""

    ACCOUNT = "account"
    PEOPLE = "people"
    SECURITY = "security"
    BILLING = "billing"
    MAIL = "mail"
    OPERATION = "operation"


_NO_DETAILS: Mapping[str, object] = MappingProxyType({})

_KINDS: dict[Kind, Promise] = {
    Kind.ACCOUNT: _("Account and contacts"),
    Kind.PEOPLE: _("Users and access"),
    Kind.SECURITY: _("Signing in and refusals"),
    Kind.BILLING: _("Billing"),
    Kind.MAIL: _("Email"),
    Kind.OPERATION: _("Operation"),
}


@dataclass(frozen=True, slots=True)
class Wording:
    """``sentence`` may hold ``%(subject)s``: what the event is about, without its kind.

    It may also hold ``%(recipient)s``, from the event's details: to whom something was sent.
    """

    kind: Kind
    sentence: Promise


_WORDINGS: dict[Action, Wording] = {
    Action.ACCOUNT_CREATED: Wording(Kind.ACCOUNT, _("Opened the account")),
    Action.ACCOUNT_CHANGED: Wording(Kind.ACCOUNT, _("Changed the account’s details")),
    Action.MEMBERSHIP_CREATED: Wording(Kind.PEOPLE, _("Became a user of the account")),
    Action.MEMBERSHIP_CHANGED: Wording(Kind.PEOPLE, _("Changed what a user may do")),
    Action.CONTACT_CHANGED: Wording(Kind.ACCOUNT, _("Changed a contact")),
    Action.USER_CREATED: Wording(Kind.PEOPLE, _("Created a user ID")),
    Action.USER_CHANGED: Wording(Kind.PEOPLE, _("Changed a user ID")),
    Action.GROUP_CHANGED: Wording(Kind.OPERATION, _("Changed a group of staff")),
    Action.USER_SIGNED_IN: Wording(Kind.SECURITY, _("Signed in")),
    Action.USER_SIGN_IN_FAILED: Wording(Kind.SECURITY, _("Failed to sign in")),
    Action.USER_SIGNED_OUT: Wording(Kind.SECURITY, _("Signed out")),
    Action.ACCESS_DENIED: Wording(Kind.SECURITY, _("Was refused access to a page")),
    Action.CHARGES_IMPORTED: Wording(Kind.BILLING, _("Imported charges from a file")),
    Action.BILLING_RUN_STARTED: Wording(Kind.BILLING, _("Started a billing run")),
    Action.BILLING_RUN_APPROVED: Wording(Kind.BILLING, _("Approved a billing run")),
    Action.BILLING_RUN_STOPPED: Wording(Kind.BILLING, _("Stopped a billing run")),
    Action.BILLING_RUN_RESUMED: Wording(Kind.BILLING, _("Resumed a billing run")),
    Action.BILLING_RUN_ITEM_PARKED: Wording(Kind.BILLING, _("Put billing aside for staff")),
    Action.BILLING_RUN_ITEM_RETRIED: Wording(Kind.BILLING, _("Tried billing again")),
    Action.DRAFT_DISCARDED: Wording(Kind.BILLING, _("Discarded a draft invoice")),
    Action.INVOICE_ISSUED: Wording(Kind.BILLING, _("Issued invoice %(subject)s")),
    Action.INVOICE_CREDITED: Wording(Kind.BILLING, _("Credited invoice %(subject)s")),
    Action.DOCUMENT_PARKED: Wording(Kind.BILLING, _("Could not prepare a document")),
    Action.DOCUMENT_RETRIED: Wording(Kind.BILLING, _("Prepared a document again")),
    Action.EMAIL_FAILED: Wording(Kind.MAIL, _("Could not deliver an email")),
    Action.EMAIL_RETRIED: Wording(Kind.MAIL, _("Sent an email again")),
    Action.ADDRESS_SUPPRESSED: Wording(Kind.MAIL, _("Stopped mail to %(subject)s")),
    Action.ADDRESS_RELEASED: Wording(Kind.MAIL, _("Allowed mail to %(subject)s again")),
    Action.SELLER_CHANGED: Wording(Kind.BILLING, _("Changed a seller’s details")),
    Action.TAX_RATE_CHANGED: Wording(Kind.BILLING, _("Changed a tax rate")),
    Action.TAX_REGISTRATION_CHANGED: Wording(Kind.BILLING, _("Changed a tax registration")),
    Action.DRAFT_CHANGED: Wording(Kind.BILLING, _("Changed a draft invoice")),
    Action.DATABASE_FOUND_OLDER: Wording(Kind.OPERATION, _("Found the database older")),
    Action.RESTORE_ACKNOWLEDGED: Wording(Kind.OPERATION, _("Acknowledged a restore")),
    Action.ALARM_RAISED: Wording(Kind.OPERATION, _("Raised an alarm")),
    Action.ALARM_ENDED: Wording(Kind.OPERATION, _("Ended an alarm")),
    Action.DATABASE_RESTORED: Wording(Kind.OPERATION, _("Restored the database")),
    Action.OWNERSHIP_OFFERED: Wording(Kind.PEOPLE, _("Offered the account to %(subject)s")),
    Action.OWNERSHIP_OFFER_DECLINED: Wording(Kind.PEOPLE, _("Declined to become the owner")),
    Action.OWNERSHIP_OFFER_EXPIRED: Wording(
        Kind.PEOPLE, _("Ended the offer of the account to %(subject)s, which had expired")
    ),
    Action.OWNERSHIP_HAND_OVER_STARTED: Wording(
        Kind.PEOPLE, _("Started to hand the account over to %(subject)s")
    ),
    Action.OWNERSHIP_CHANGE_STOPPED: Wording(
        Kind.PEOPLE, _("Stopped the change of owner to %(subject)s")
    ),
    Action.OWNERSHIP_CHANGED: Wording(Kind.PEOPLE, _("Made %(subject)s the owner")),
    Action.ACCOUNT_OFFERED: Wording(Kind.PEOPLE, _("Offered a new account to %(subject)s")),
    Action.ACCOUNT_OFFER_ACCEPTED: Wording(Kind.PEOPLE, _("Accepted an account that we offered")),
    Action.ACCOUNT_OFFER_DECLINED: Wording(Kind.PEOPLE, _("Declined an account that we offered")),
    Action.ACCOUNT_OFFER_WITHDRAWN: Wording(
        Kind.PEOPLE, _("Withdrew the offer of an account to %(subject)s")
    ),
    Action.CONSOLE_ACCOUNT_VIEWED: Wording(Kind.SECURITY, _("Looked at the account, as our staff")),
    Action.INVITATION_SENT: Wording(Kind.PEOPLE, _("Invited %(subject)s")),
    Action.INVITATION_SENT_AGAIN: Wording(
        Kind.PEOPLE, _("Sent the invitation of %(subject)s again")
    ),
    Action.INVITATION_DELETED: Wording(Kind.PEOPLE, _("Deleted the invitation of %(subject)s")),
    Action.INVITATION_ACCEPTED: Wording(Kind.PEOPLE, _("Accepted the invitation")),
    Action.INVITATION_DECLINED: Wording(
        Kind.PEOPLE, _("The invitation of %(subject)s was declined")
    ),
    Action.INVITATION_ASKED_FOR: Wording(
        Kind.PEOPLE, _("Asked for a new invitation after that of %(subject)s")
    ),
    Action.MEMBERSHIP_REMOVED: Wording(Kind.PEOPLE, _("Removed %(subject)s from the account")),
    Action.MEMBERSHIP_LEFT: Wording(Kind.PEOPLE, _("Left the account")),
    Action.INVOICE_ADDRESS_ADDED: Wording(
        Kind.ACCOUNT, _("Asked %(subject)s to confirm that it gets invoices")
    ),
    Action.INVOICE_ADDRESS_SENT_AGAIN: Wording(
        Kind.ACCOUNT, _("Asked %(subject)s again to confirm that it gets invoices")
    ),
    Action.INVOICE_ADDRESS_REMOVED: Wording(
        Kind.ACCOUNT, _("Took %(subject)s off the extra invoice addresses")
    ),
    Action.INVOICE_ADDRESS_CONFIRMED: Wording(
        Kind.ACCOUNT, _("Confirmed that %(subject)s gets invoices")
    ),
    Action.INVOICE_ADDRESS_STOPPED: Wording(Kind.ACCOUNT, _("Stopped invoices to %(subject)s")),
    Action.ACCOUNT_CLOSED: Wording(Kind.ACCOUNT, _("Closed the account")),
    Action.USER_SESSIONS_ENDED: Wording(Kind.SECURITY, _("Ended sessions")),
    Action.USER_SIGN_UP_ASKED: Wording(Kind.SECURITY, _("Asked for a sign-up link")),
    Action.USER_ADDRESS_VERIFIED: Wording(Kind.SECURITY, _("Confirmed an email address")),
    Action.USER_PASSWORD_RESET_ASKED: Wording(Kind.SECURITY, _("Asked for a new password")),
    Action.USER_PASSWORD_RESET: Wording(Kind.SECURITY, _("Set a new password by email")),
    Action.USER_PASSWORD_CHANGED: Wording(Kind.SECURITY, _("Changed the password")),
    Action.USER_PROFILE_CHANGED: Wording(Kind.PEOPLE, _("Changed their profile")),
    Action.USER_ADDRESS_CHANGE_ASKED: Wording(Kind.SECURITY, _("Asked to change the address")),
    Action.USER_ADDRESS_CHANGED: Wording(Kind.SECURITY, _("Changed the email address")),
    Action.USER_ADDRESS_CHANGE_UNDONE: Wording(Kind.SECURITY, _("Took the address back")),
    Action.USER_CLOSED: Wording(Kind.PEOPLE, _("Closed their user ID")),
    Action.INVOICE_SENT_AGAIN: Wording(Kind.BILLING, _("Sent %(subject)s to %(recipient)s")),
    Action.INVOICE_VOIDED: Wording(Kind.BILLING, _("Voided invoice %(subject)s")),
    Action.EMAIL_RETURNED: Wording(Kind.MAIL, _("An email came back undelivered")),
    Action.ADDRESS_TRIED_AGAIN: Wording(
        Kind.MAIL, _("Allowed mail to %(subject)s again, after it had come back")
    ),
    Action.TWO_FACTOR_METHOD_ADDED: Wording(Kind.SECURITY, _("Added a two-factor method")),
    Action.TWO_FACTOR_METHOD_RENAMED: Wording(Kind.SECURITY, _("Renamed a two-factor method")),
    Action.TWO_FACTOR_METHOD_REMOVED: Wording(Kind.SECURITY, _("Removed a two-factor method")),
    Action.TWO_FACTOR_ENABLED: Wording(Kind.SECURITY, _("Turned on two-factor authentication")),
    Action.TWO_FACTOR_DISABLED: Wording(Kind.SECURITY, _("Turned off two-factor authentication")),
    Action.TWO_FACTOR_CODE_REFUSED: Wording(Kind.SECURITY, _("Entered a wrong two-factor code")),
    Action.TWO_FACTOR_SMS_SENT: Wording(Kind.SECURITY, _("Was sent a code by text message")),
    Action.TWO_FACTOR_SMS_REFUSED: Wording(Kind.SECURITY, _("Was not sent a text message")),
    Action.RECOVERY_CODES_MADE: Wording(Kind.SECURITY, _("Made new recovery codes")),
    Action.RECOVERY_CODE_USED: Wording(Kind.SECURITY, _("Used a recovery code")),
    Action.USER_CONFIRMED: Wording(Kind.SECURITY, _("Confirmed who they are")),
    Action.TWO_FACTOR_RESET_STARTED: Wording(
        Kind.SECURITY, _("Started to reset the two-factor authentication of %(subject)s")
    ),
    Action.TWO_FACTOR_RESET_CONFIRMED: Wording(
        Kind.SECURITY, _("Confirmed that %(subject)s needs a two-factor reset")
    ),
    Action.TWO_FACTOR_RESET_STOPPED: Wording(
        Kind.SECURITY, _("Stopped the two-factor reset of %(subject)s")
    ),
    Action.TWO_FACTOR_RESET_COMPLETED: Wording(
        Kind.SECURITY, _("Reset the two-factor authentication of %(subject)s")
    ),
    Action.TWO_FACTOR_REQUIREMENT_CHANGED: Wording(
        Kind.SECURITY, _("Changed who needs two-factor authentication")
    ),
    Action.TWO_FACTOR_RULE_CHANGED: Wording(
        Kind.PEOPLE, _("Changed whether %(subject)s needs two-factor authentication")
    ),
    Action.USER_PASSWORD_ACCEPTED: Wording(
        Kind.SECURITY, _("Entered the right password, and was asked for a code")
    ),
}


def worded_actions() -> frozenset[Action]:
    return frozenset(_WORDINGS)


def kind_choices() -> list[tuple[str, str]]:
    """Every kind with its name, for a form."""
    return [(kind.value, str(name)) for kind, name in _KINDS.items()]


def actions_of(kind: Kind) -> list[str]:
    return [action.value for action, wording in _WORDINGS.items() if wording.kind is kind]


def sentence_for(action: str, subject: str, *, details: Mapping[str, object] = _NO_DETAILS) -> str:
    """What was done, in the reader's language, to go on after whoever did it.

    An action of a newer release, met after going back to an older one, stands for itself.
    """
    try:
        sentence = _WORDINGS[Action(action)].sentence
    except (KeyError, ValueError):
        return action
    return str(sentence) % {
        "subject": subject.partition(" ")[2] or subject,
        "recipient": details.get("recipient", "–"),
    }


def names_its_subject(action: str) -> bool:
    """Whether the sentence for ``action`` says what it is about."""
    wording = _WORDINGS.get(Action(action)) if action in set(Action) else None
    return wording is not None and "%(subject)s" in str(wording.sentence)
