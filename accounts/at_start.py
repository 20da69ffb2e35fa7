"""What this package tells those below it, once every model is loaded."""

from accounts import account_offers, invoice_addresses
from accounts.invitations import PURPOSE, address_for_mail
from accounts.leaving import accounts_still_owned, end_memberships
from mail import links, returned_hooks
from twofactor.requirements import REQUIRED_BY
from twofactor.reset_hooks import READERS
from users import closing


def register() -> None:
    links.provide(PURPOSE, address_for_mail)
    links.provide(account_offers.PURPOSE, account_offers.link_to)
    links.provide(invoice_addresses.CONFIRM, invoice_addresses.confirm_link)
    links.provide(invoice_addresses.STOP, invoice_addresses.stop_link)
    closing.provide_obstacle(accounts_still_owned)
    closing.provide_leaving(end_memberships)
    returned_hooks.RETURNED.provide("accounts.bouncing.tell_owners")
    REQUIRED_BY.provide("accounts.two_factor.policy.two_factor_requirements_of")
    READERS.provide("accounts.two_factor.resets.readers_of_reset")
