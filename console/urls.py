from django.urls import path

from console.views import alarms

app_name = "console"

urlpatterns = [
    path("alarms/", alarms.alarm_list, name="alarms"),
]
