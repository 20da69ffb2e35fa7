"""An account in work is shielded by its row's lock, and not by how long its lease lasts."""

from dataclasses import replace
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from django.db import connection

from billing import working
from billing.billing_run import start_run
from billing.consumption import AccountPlan, draft_account
from billing.queues import DRAFT_QUEUE
from common.claims import Claim, claim
from tests.scenes import A_DAY, ACTOR, a_charge, a_seller, an_account, documents_of


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_account_whose_lease_is_over_stays_with_the_process_that_works_on_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = an_account()
    a_charge(account, a_seller())
    taken: list[Claim] = []

    def take_what_is_free() -> None:
        taken.extend(claim(DRAFT_QUEUE))
        connection.close()

    def draft_while_another_process_looks(*args: Any, **options: Any) -> AccountPlan:
        other = Thread(target=take_what_is_free)
        other.start()
        other.join(timeout=20)
        assert not other.is_alive()
        return draft_account(*args, **options)

    over_at_once = replace(DRAFT_QUEUE, lease=timedelta(seconds=-1))
    monkeypatch.setattr(working, "DRAFT_QUEUE", over_at_once)
    monkeypatch.setattr(working, "draft_account", draft_while_another_process_looks)
    run = start_run(as_of=A_DAY, actor=ACTOR, approve_at_once=True)
    assert working.work_run(run).state == "finished"
    assert taken == []
    assert [document.state for document in documents_of(account)] == ["issued"]
