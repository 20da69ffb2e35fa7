from django.urls import path

from portal.views import overview

app_name = "account"

urlpatterns = [
    path("", overview.overview, name="overview"),
]
