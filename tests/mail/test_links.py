"""A link with a token: made when its message leaves, in no table, the same at each sending (12)."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from django.db import connection

from common.scoping import account_scope
from common.tokens import new_nonce, token_for
from mail import links
from mail.links import LinkTo
from mail.outbox import NewEmail, enqueue
from mail.sending import send_due
from mail.transport import Transport
from tests.mail.messages import new_email
from tests.mail.sink import Sink
from tests.mail.steps import State, let_time_pass, stored

pytestmark = pytest.mark.django_db(transaction=True)

PURPOSE = "test_link"
MARKER = "link-0123456789abcdef"


@pytest.fixture
def nonces() -> Iterator[dict[UUID, str]]:
    """Rows of the test, by their keys; a row that is taken out has no link any more."""
    rows: dict[UUID, str] = {}

    def address(row: UUID) -> str | None:
        return (
            f"https://panel.example/{token_for(PURPOSE, row, rows[row])}" if row in rows else None
        )

    links.provide(PURPOSE, address)
    yield rows
    links.withdraw(PURPOSE)


def a_message_with_a_link(row: UUID) -> UUID:
    with account_scope(1):
        return enqueue(_new(row))


def _new(row: UUID) -> NewEmail:
    return new_email(
        text_body=f"Open {MARKER}\n",
        html_body=f'<a href="{MARKER}">Open</a>',
        link=LinkTo(PURPOSE, row),
        link_marker=MARKER,
    )


def test_the_link_is_put_in_as_the_message_leaves(
    nonces: dict[UUID, str], sink: Sink, transport: Transport
) -> None:
    row = uuid4()
    nonces[row] = new_nonce()
    token = token_for(PURPOSE, row, nonces[row])
    a_message_with_a_link(row)

    send_due(transport)

    (accepted,) = sink.accepted
    text, html = (part.get_content() for part in accepted.message.iter_parts())
    assert text.strip() == f"Open https://panel.example/{token}"
    assert html.strip() == f'<a href="https://panel.example/{token}">Open</a>'


def test_no_table_ever_holds_the_token(
    nonces: dict[UUID, str], sink: Sink, transport: Transport
) -> None:
    row = uuid4()
    nonces[row] = new_nonce()
    pk = a_message_with_a_link(row)
    send_due(transport)
    assert stored(pk).state == State.SENT
    with account_scope(1), connection.cursor() as cursor:
        cursor.execute("SELECT mail_outgoingemail::text FROM mail_outgoingemail")
        [(whole,)] = cursor.fetchall()
    assert MARKER in whole
    assert token_for(PURPOSE, row, nonces[row]) not in whole


def test_a_second_copy_is_the_same_to_the_byte(
    nonces: dict[UUID, str], sink: Sink, transport: Transport
) -> None:
    row = uuid4()
    nonces[row] = new_nonce()
    a_message_with_a_link(row)
    sink.lose_answer("recipient-1@example.com")
    send_due(transport)
    let_time_pass()
    send_due(transport)
    first, second = sink.accepted
    assert first.content == second.content


def test_a_link_that_has_ended_keeps_its_message_from_leaving(
    nonces: dict[UUID, str], sink: Sink, transport: Transport
) -> None:
    pk = a_message_with_a_link(uuid4())
    send_due(transport)
    assert sink.accepted == []
    assert (stored(pk).state, stored(pk).server_response) == (
        State.FAILED,
        f"the link has ended: {PURPOSE}",
    )
