from django.urls import path

from console.views import account_offers, alarms, customers, ownership

app_name = "console"

urlpatterns = [
    path("alarms/", alarms.alarm_list, name="alarms"),
    path("customers/", customers.customers, name="customers"),
    path("accounts/new/", account_offers.new_account, name="new_account"),
    path("account-offers/<uuid:offer_id>/withdraw/", account_offers.withdraw, name="withdraw"),
    path("accounts/<account:account_number>/", customers.customer, name="customer"),
    path("accounts/<account:account_number>/hand-over/", ownership.hand_over, name="hand_over"),
    path(
        "accounts/<account:account_number>/hand-over/stop/",
        ownership.stop_hand_over,
        name="stop_hand_over",
    ),
]
