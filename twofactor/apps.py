from django.apps import AppConfig
from django.utils.module_loading import import_string

from users.sign_in_hooks import HOLDS, WAITING


class TwofactorConfig(AppConfig):
    name = "twofactor"
    verbose_name = "Two-factor authentication"

    def ready(self) -> None:
        HOLDS.provide("twofactor.challenge.hold_sign_in")
        WAITING.provide("twofactor.challenge.page_of_pending")
        # By name: what it imports needs models, which are not loaded when this file is.
        import_string("twofactor.at_start.register")()
