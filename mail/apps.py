from django.apps import AppConfig

from backups import registry


class MailConfig(AppConfig):
    name = "mail"
    verbose_name = "Outgoing email"

    def ready(self) -> None:
        registry.ACKNOWLEDGED.provide("mail.after_restore.fail_what_may_have_been_sent")
