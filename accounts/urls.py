"""Pages of accounts for whoever stands outside of one: signing up, invitations, new accounts."""

from django.urls import path

from accounts.views import (
    account_offer,
    invitation,
    invoice_addresses,
    new_account,
    signing_up,
)

app_name = "accounts"

urlpatterns = [
    path("sign-up/", signing_up.sign_up, name="sign_up"),
    path("sign-up/sent/", signing_up.sign_up_sent, name="sign_up_sent"),
    path(
        "sign-up/link/<uuid:link_id>/<link_token:token_hash>/",
        signing_up.sign_up_link,
        name="sign_up_link",
    ),
    path("sign-up/finish/", signing_up.sign_up_finish, name="sign_up_finish"),
    path("accounts/new/", new_account.new_account, name="new_account"),
    path(
        "account-offer/link/<uuid:offer_id>/<link_token:token_hash>/",
        account_offer.link,
        name="account_offer_link",
    ),
    path("account-offer/", account_offer.account_offer, name="account_offer"),
    path("account-offer/decline/", account_offer.decline, name="account_offer_decline"),
    path(
        "invoice-address/confirm/link/<uuid:row>/<link_token:token_hash>/",
        invoice_addresses.confirm_link,
        name="confirm_invoice_address_link",
    ),
    path("invoice-address/confirm/", invoice_addresses.confirm, name="confirm_invoice_address"),
    path(
        "invoice-address/stop/link/<uuid:row>/<link_token:token_hash>/",
        invoice_addresses.stop_link,
        name="stop_invoice_address_link",
    ),
    path("invoice-address/stop/", invoice_addresses.stop, name="stop_invoice_address"),
    path(
        "invitation/link/<uuid:row>/<link_token:token_hash>/",
        invitation.open_link,
        name="invitation_link",
    ),
    path("invitation/open/<uuid:row>/", invitation.open_own, name="open_invitation"),
    path("invitation/", invitation.invitation, name="invitation"),
    path("invitation/new-user/", invitation.create_user, name="invitation_new_user"),
    path("invitation/sign-in/", invitation.sign_in, name="invitation_sign_in"),
    path("invitation/accept/", invitation.accept_invitation, name="invitation_accept"),
    path("invitation/decline/", invitation.decline_invitation, name="invitation_decline"),
    path("invitation/switch/", invitation.switch_user, name="invitation_switch"),
    path("invitation/ask/", invitation.ask_to_send_again, name="invitation_ask"),
    path(
        "invitation/ask-for-own-address/",
        invitation.ask_for_own_address,
        name="invitation_ask_for_own_address",
    ),
]
