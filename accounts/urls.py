"""Pages of accounts for whoever stands outside of one: signing up, invitations, new accounts."""

from django.urls import URLPattern

app_name = "accounts"

urlpatterns: list[URLPattern] = []
