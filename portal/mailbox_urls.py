"""The mailbox of an embedded installation. config/urls.py leaves these out of any other."""

from django.urls import path

from portal.views import mailbox

app_name = "mailbox"

urlpatterns = [
    path("", mailbox.message_list, name="list"),
    path("<str:key>/", mailbox.message, name="message"),
    path("<str:key>/html", mailbox.message_html, name="html"),
    path("<str:key>/attachments/<int:position>", mailbox.attachment, name="attachment"),
]
