"""Addresses that email services call, below ``/webhooks/mail/``."""

from django.urls import path

from mail import webhooks

app_name = "mail"

urlpatterns = [path("<slug:service>/", webhooks.receive, name="webhook")]
