"""What stands for the variable parts of addresses: rows of one account, and a caught message."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.utils import timezone

from accounts.models import Account, Invitation, InvoiceAddress
from common.scoping import account_scope
from invoices.models import Delivery, Seller
from mail.mailbox import keep
from mail.models import OutgoingEmail, SuppressedAddress
from tests.factories import add_member, make_invoice, make_user, store_pdf
from tests.invoices.files import store_xml

# Variable part, with the fixed one before it where the same is used for several things, to value.
Parts = Mapping[str, str]

_LETTER = (
    b"Subject: With an attachment\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n'
    b"--x\r\nContent-Type: text/plain\r\n\r\nHello\r\n"
    b"--x\r\nContent-Type: application/pdf\r\n"
    b"Content-Disposition: attachment; filename=x.pdf\r\n\r\n%PDF\r\n--x--\r\n"
)


def make_parts(account: Account, *, seller: Seller) -> Parts:
    """An invoice, a member, an invitation and an invoice address of ``account``."""
    assert settings.MAILBOX_DIR is not None
    owner = account.memberships.get(is_owner=True).user
    invoice = make_invoice(account, seller=seller)
    store_pdf(invoice)
    store_xml(invoice, b"<Invoice/>")
    soon = timezone.now() + timedelta(days=10)
    sent = {"sent_at": timezone.now(), "expires_at": soon}
    invited = Invitation.objects.create(
        account=account, email="invited@hartwell.example", invited_by=owner, **sent
    )
    with account_scope(account):
        address = InvoiceAddress.objects.create(
            account=account, email="books@hartwell.example", added_by=owner, **sent
        )
        delivery = invoice.deliveries.earliest("pk")
    member = add_member(account, make_user())
    return {
        **unknown_parts(),
        "<account:account_number>": str(account.number),
        "<invoice:invoice_number>": str(invoice.number),
        "users/<uuid:public_id>": f"users/{member.public_id}",
        "invitations/<uuid:pk>": f"invitations/{invited.pk}",
        "invoice-addresses/<uuid:row>": f"invoice-addresses/{address.pk}",
        "<str:key>": keep(
            settings.MAILBOX_DIR, sender="a@b.example", recipients=["c@d.example"], content=_LETTER
        ),
        "<int:position>": "0",
        "<int:delivery_id>": str(delivery.pk),
        "<uuid:email_id>": str(_failed_email(delivery)),
        "suppressed-addresses/<int:pk>": f"suppressed-addresses/{_suppressed().pk}",
        "people/<int:pk>": f"people/{member.user_id}",
    }


def _failed_email(delivery: Delivery) -> UUID:
    with account_scope(delivery.account_id):
        email = OutgoingEmail.objects.get(invoice_delivery=delivery)
        email.state = OutgoingEmail.State.FAILED
        email.save(update_fields=["state"])
    return email.pk


def _suppressed() -> SuppressedAddress:
    return SuppressedAddress.objects.get_or_create(address="gone@hartwell.example")[0]


def unknown_parts() -> Parts:
    """Well-formed, and of nothing that there is."""
    nothing = str(uuid4())
    return {
        "<account:account_number>": "999999999",
        "<invoice:invoice_number>": "INV-777777",
        "users/<uuid:public_id>": f"users/{nothing}",
        "invitations/<uuid:pk>": f"invitations/{nothing}",
        "invoice-addresses/<uuid:row>": f"invoice-addresses/{nothing}",
        "<link_token:token_hash>": "A" * 32,
        **{
            f"<uuid:{name}>": nothing
            for name in (
                *("row", "link_id", "change_id", "offer_id", "session_id", "change"),
                *("app_id", "phone_id", "reset_id"),
            )
        },
        "<int:delivery_id>": "999999999",
        "<uuid:email_id>": nothing,
        "<int:pk>": "999999999",
        "<slug:service>": "postmark",
        "<str:key>": "nothing",
        "<int:position>": "0",
    }


def fill(route: str, parts: Parts) -> str:
    for part in sorted(parts, key=len, reverse=True):
        route = route.replace(part, parts[part])
    assert "<" not in route, f"nothing stands for a part of {route}"
    return f"/{route}"
