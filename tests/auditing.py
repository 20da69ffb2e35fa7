"""What the audit log has of one action, over all accounts."""

from audit.actions import Action
from audit.models import AuditEvent
from common.scoping import all_accounts_scope


def events(action: Action) -> list[AuditEvent]:
    """Oldest first."""
    with all_accounts_scope("a test reads the audit log"):
        return list(AuditEvent.objects.filter(action=action).order_by("pk"))
