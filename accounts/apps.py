from django.apps import AppConfig
from django.core import checks
from django.utils.module_loading import import_string

from accounts.checks import account_pages_declare_a_permission


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Customer accounts"

    def ready(self) -> None:
        checks.register(account_pages_declare_a_permission, checks.Tags.urls)
        # By name: what it imports needs models, which are not loaded when this file is.
        import_string("accounts.at_start.register")()
