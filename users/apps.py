from django.apps import AppConfig
from django.utils.module_loading import import_string


class UsersConfig(AppConfig):
    name = "users"
    verbose_name = "User IDs"

    def ready(self) -> None:
        # By their paths: the modules need models, which are loaded by now and not before.
        for provide in (
            "users.links.provide_addresses",
            "users.changing_address.provide_addresses",
        ):
            import_string(provide)()
