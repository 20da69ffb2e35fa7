from django.apps import AppConfig

from users.sign_in_hooks import HOLDS


class TwofactorConfig(AppConfig):
    name = "twofactor"
    verbose_name = "Two-factor authentication"

    def ready(self) -> None:
        HOLDS.provide("twofactor.challenge.hold_sign_in")
