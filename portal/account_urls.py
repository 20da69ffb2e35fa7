from django.urls import path

from portal.views import activity, overview

app_name = "account"

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("settings/activity/", activity.activity, name="activity"),
    path("settings/activity/csv", activity.activity_csv, name="activity_csv"),
]
