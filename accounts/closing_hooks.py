"""What packages above this one know about closing an account, named by them at start.

Each function takes the account, is called in its scope, and yields sentences in the reader's
language.
"""

from common.hooks import Hook

# Why the account cannot be closed yet; each sentence says what to do.
OBSTACLES = Hook()
# What is still to come: unbilled charges, open invoices.
PREVIEWS = Hook()
