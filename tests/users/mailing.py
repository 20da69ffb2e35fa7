"""Reading what the panel has written to people, as the mail worker would send it."""

import re
from urllib.parse import urlsplit

from common.scoping import all_accounts_scope
from mail import links
from mail.models import OutgoingEmail


def mails(kind: str = "", *, to: str = "") -> list[OutgoingEmail]:
    """Oldest first; of any kind and to anybody unless said."""
    with all_accounts_scope("a test reads the mail"):
        found = OutgoingEmail.objects.order_by("created_at")
        if kind:
            found = found.filter(kind=kind)
        if to:
            found = found.filter(recipient_address=to)
        return list(found)


def link_in(email: OutgoingEmail) -> str:
    """The path of the address that is put in when ``email`` is sent."""
    links.put_in(email)
    found = re.findall(r"http://testserver(/\S+/link/\S+)", email.text_body)
    assert len(found) == 1, email.text_body
    assert email.html_body.count(found[0]) == 2
    return str(urlsplit(found[0]).path)


def only_link(kind: str, *, to: str = "") -> str:
    [email] = mails(kind, to=to)
    return link_in(email)
