"""What packages above this one do about returned mail, named by them at start."""

from common.hooks import Hook

# (SuppressedAddress) -> None: an address was suppressed because of a report. Called in the
# transaction that says so, in a scope over all accounts.
RETURNED = Hook()
# () -> None: the mailbox of returned mail was opened and read. In a transaction of its own.
MAILBOX_READ = Hook()
