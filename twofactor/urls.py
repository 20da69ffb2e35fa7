from django.urls import path

from twofactor.views import (
    apps,
    challenge,
    overview,
    phone,
    recovery_codes,
    removing,
    resets,
    turning,
)

app_name = "twofactor"

urlpatterns = [
    path("sign-in/code/", challenge.challenge, name="challenge"),
    path("sign-in/code/sms/", challenge.challenge_sms, name="challenge_sms"),
    path("sign-in/code/cancel/", challenge.challenge_cancel, name="challenge_cancel"),
    path("sign-in/again/", challenge.sign_in_again, name="sign_in_again"),
    path("profile/two-factor/", overview.overview, name="overview"),
    path("profile/two-factor/apps/", apps.add_app, name="add_app"),
    path("profile/two-factor/apps/<uuid:app_id>/", apps.app, name="app"),
    path("profile/two-factor/apps/<uuid:app_id>/rename/", apps.rename_app, name="rename_app"),
    path("profile/two-factor/apps/<uuid:app_id>/remove/", removing.remove_app, name="remove_app"),
    path("profile/two-factor/phone/", phone.phone, name="phone"),
    path("profile/two-factor/phone/<uuid:phone_id>/", phone.phone_confirm, name="phone_confirm"),
    path(
        "profile/two-factor/phone/<uuid:phone_id>/send-again/",
        phone.phone_send_again,
        name="phone_send_again",
    ),
    path(
        "profile/two-factor/phone/<uuid:phone_id>/remove/",
        removing.remove_phone,
        name="remove_phone",
    ),
    path("profile/two-factor/turn-on/", turning.turn_on, name="turn_on"),
    path("profile/two-factor/turn-off/", turning.turn_off, name="turn_off"),
    path("profile/two-factor/recovery-codes/", recovery_codes.codes, name="recovery_codes"),
    path(
        "two-factor-reset/stop/link/<uuid:reset_id>/<link_token:token_hash>/",
        resets.stop_link,
        name="reset_stop_link",
    ),
    path("two-factor-reset/stop/", resets.stop, name="reset_stop"),
    path("profile/two-factor/reset/stop/", resets.stop_own, name="reset_stop_own"),
]
