from django.apps import AppConfig
from django.core import checks

from accounts.checks import account_pages_declare_a_permission


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Customer accounts"

    def ready(self) -> None:
        checks.register(account_pages_declare_a_permission, checks.Tags.urls)
