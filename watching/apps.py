from django.apps import AppConfig

from mail import returned_hooks


class WatchingConfig(AppConfig):
    name = "watching"
    verbose_name = "Watching"

    def ready(self) -> None:
        returned_hooks.MAILBOX_READ.provide("watching.looks.returned_mail.note_reading")
