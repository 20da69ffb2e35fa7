"""Settings of one account, below ``/a/<account number>/settings/``."""

from django.urls import URLPattern

app_name = "settings"

urlpatterns: list[URLPattern] = []
