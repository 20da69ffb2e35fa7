from django.urls import path

from users.views import changing_address, profile, resetting, sessions, signing_in, verifying

app_name = "users"

urlpatterns = [
    path("sign-in/", signing_in.sign_in, name="sign_in"),
    path("sign-out/", signing_in.sign_out, name="sign_out"),
    path("password-reset/", resetting.password_reset, name="password_reset"),
    path("password-reset/sent/", resetting.password_reset_sent, name="password_reset_sent"),
    path(
        "password-reset/link/<uuid:link_id>/<link_token:token_hash>/",
        resetting.password_reset_link,
        name="password_reset_link",
    ),
    path("password-reset/new/", resetting.password_reset_new, name="password_reset_new"),
    path(
        "verify/link/<uuid:link_id>/<link_token:token_hash>/",
        verifying.verify_link,
        name="verify_link",
    ),
    path("verify/", verifying.verify, name="verify"),
    path(
        "email-change/link/<uuid:change_id>/<link_token:token_hash>/",
        changing_address.confirm_link,
        name="email_change_link",
    ),
    path("email-change/confirm/", changing_address.confirm, name="email_confirm"),
    path(
        "email-change/undo/link/<uuid:change_id>/<link_token:token_hash>/",
        changing_address.undo_link,
        name="email_undo_link",
    ),
    path("email-change/undo/", changing_address.undo, name="email_undo"),
    path("profile/", profile.profile, name="profile"),
    path("profile/email/", profile.email, name="email"),
    path("profile/password/", profile.password, name="password"),
    path("profile/sessions/", sessions.sessions, name="sessions"),
    path("profile/sessions/<uuid:session_id>/end/", sessions.end_session, name="end_session"),
    path("profile/sessions/end-others/", sessions.end_other_sessions, name="end_other_sessions"),
    path("profile/close/", profile.close, name="close"),
]
