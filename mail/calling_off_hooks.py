"""What packages above this one know against sending a message, named by them at start."""

from common.hooks import Hook

# (OutgoingEmail) -> str: why a message that has failed must never be sent again, in words for
# staff; empty when it may be. Asked under the lock of its row.
CALLED_OFF = Hook()
