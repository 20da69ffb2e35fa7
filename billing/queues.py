"""The two queues of a billing run's accounts: to be drafted, and to be issued."""

from datetime import timedelta

from audit.actions import Action
from audit.parking import parking_recorder
from billing.models import BillingRunItem
from common.claims import Queue

_record_parked = parking_recorder(
    Action.BILLING_RUN_ITEM_PARKED, what="billing run item", part="billing run"
)

# The work is one transaction, which locks its item first (billing.working): the lease only covers
# what lies between the two, and the account of a killed process waits no longer than this.
_LEASE = timedelta(seconds=20)

DRAFT_QUEUE = Queue(
    BillingRunItem,
    due_states=(BillingRunItem.State.PENDING,),
    working_state=BillingRunItem.State.DRAFTING,
    parked_state=BillingRunItem.State.PARKED,
    record_parked=_record_parked,
    lease=_LEASE,
)
ISSUE_QUEUE = Queue(
    BillingRunItem,
    due_states=(BillingRunItem.State.APPROVED,),
    working_state=BillingRunItem.State.ISSUING,
    parked_state=BillingRunItem.State.PARKED,
    record_parked=_record_parked,
    lease=_LEASE,
)
