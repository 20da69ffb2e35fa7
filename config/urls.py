"""Every address of the program, by package."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path, register_converter

from accounts.converters import AccountNumberConverter
from common.tokens import LinkTokenConverter

register_converter(AccountNumberConverter, "account")
register_converter(LinkTokenConverter, "link_token")

# Everything of one account: accounts.checks holds that each of these pages declares a permission.
_account_urls = [
    path("", include("portal.account_urls")),
    path("billing/", include("invoices.urls")),
    path("settings/", include("accounts.account_urls")),
]

urlpatterns = [
    path("", include("portal.urls")),
    path("", include("users.urls")),
    path("", include("twofactor.urls")),
    path("", include("accounts.urls")),
    path("a/<account:account_number>/", include(_account_urls)),
    path("admin/", admin.site.urls),
    path("console/", include("console.urls")),
    path("webhooks/mail/", include("mail.urls")),
]

if settings.EMBEDDED:
    urlpatterns.append(path("mailbox/", include("portal.mailbox_urls")))

handler400 = "portal.errors.bad_request"
handler403 = "portal.errors.forbidden"
handler404 = "portal.errors.not_found"
handler500 = "portal.errors.server_error"
