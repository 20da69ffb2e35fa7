"""Settings of one account, below ``/a/<account number>/settings/``."""

from django.urls import path

from accounts.views import (
    bouncing,
    closing,
    contacts,
    details,
    invitations,
    invoice_addresses,
    leaving,
    ownership,
    security,
    two_factor_reset,
    two_factor_rule,
    users,
)

app_name = "settings"

urlpatterns = [
    path("details/", details.details, name="details"),
    path("contacts/", contacts.contacts, name="contacts"),
    path("contacts/admin/", contacts.admin_contact, name="admin_contact"),
    path("contacts/billing/", contacts.billing_contact, name="billing_contact"),
    path("contacts/references/", contacts.references, name="references"),
    path("contacts/try-again/", bouncing.try_address_again, name="try_address_again"),
    path("invoice-addresses/add/", invoice_addresses.add, name="add_invoice_address"),
    path(
        "invoice-addresses/<uuid:row>/send-again/",
        invoice_addresses.send_confirmation_again,
        name="send_invoice_address_again",
    ),
    path(
        "invoice-addresses/<uuid:row>/remove/",
        invoice_addresses.remove,
        name="remove_invoice_address",
    ),
    path("close/", closing.close, name="close"),
    path("ownership/", ownership.ownership, name="ownership"),
    path("ownership/offer/", ownership.offer, name="ownership_offer"),
    path("ownership/accept/", ownership.accept, name="ownership_accept"),
    path("ownership/decline/", ownership.decline, name="ownership_decline"),
    path("ownership/stop/", ownership.stop, name="ownership_stop"),
    path("users/", users.users, name="users"),
    path("users/add/", users.add_user, name="add_user"),
    path("users/<uuid:public_id>/", users.user, name="user"),
    path("users/<uuid:public_id>/remove/", users.remove_user, name="remove_user"),
    path(
        "users/<uuid:public_id>/two-factor/",
        two_factor_rule.two_factor_rule,
        name="two_factor_rule",
    ),
    path("security/", security.security, name="security"),
    path("security/require/", security.require_two_factor, name="require_two_factor"),
    path("security/stop/", security.stop_requiring_two_factor, name="stop_requiring_two_factor"),
    path(
        "users/<uuid:public_id>/two-factor-reset/",
        two_factor_reset.two_factor_reset,
        name="two_factor_reset",
    ),
    path(
        "invitations/<uuid:pk>/send-again/",
        invitations.send_invitation_again,
        name="send_invitation_again",
    ),
    path("invitations/<uuid:pk>/delete/", invitations.delete, name="delete_invitation"),
    path("leave/", leaving.leave_account, name="leave"),
]
