"""The business rules of EN 16931-1 that a document of ours could break, in plain Python.

The schemas and Schematron of ``einvoice.checking`` have the last word on what was written; these
speak earlier, before there is a number, and to staff. docs/business-rules.md lists every rule.
"""

from invoices.rendering.einvoice.rules.broken import BrokenRule
from invoices.rendering.einvoice.rules.soundness import (
    WouldBeInvalid,
    broken_rules,
    require_sound,
)

__all__ = ["BrokenRule", "WouldBeInvalid", "broken_rules", "require_sound"]
