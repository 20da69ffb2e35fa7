from django.apps import AppConfig
from django.utils.module_loading import import_string


class ConsoleConfig(AppConfig):
    name = "console"
    verbose_name = "Console"

    def ready(self) -> None:
        # By name: what it imports needs models, which are not loaded when this file is.
        required_by = import_string("twofactor.requirements.REQUIRED_BY")
        required_by.provide("console.access.requirements_of")
