"""What packages above this one do when a document is voided, named by them at start.

Each function takes the invoice, is called in its account's scope and under its locks, and says in
a sentence for staff what follows; nothing when nothing does.
"""

from common.hooks import Hook

# What voiding would do. Changes nothing.
PREVIEWS = Hook()
# Does it, in the transaction that voids.
VOIDED = Hook()
