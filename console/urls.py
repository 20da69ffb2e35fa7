from django.urls import path

from console.views import account_offers, alarms, customers, deliveries, ownership, people

app_name = "console"

urlpatterns = [
    path("", customers.start, name="start"),
    path("alarms/", alarms.alarm_list, name="alarms"),
    path("deliveries/", deliveries.undelivered, name="deliveries"),
    path("deliveries/<uuid:email_id>/send-again/", deliveries.send_again, name="send_mail_again"),
    path("mail-reports/", deliveries.reports, name="mail_reports"),
    path("suppressed-addresses/", deliveries.suppressed, name="suppressed"),
    path("suppressed-addresses/<int:pk>/lift/", deliveries.lift, name="lift"),
    path("customers/", customers.customers, name="customers"),
    path("people/<int:pk>/", people.person, name="person"),
    path("people/<int:pk>/two-factor-reset/", people.reset_two_factor, name="reset_two_factor"),
    path("two-factor-resets/", people.two_factor_resets, name="two_factor_resets"),
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
