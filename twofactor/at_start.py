"""What this package tells those below it, once every model is loaded."""

from mail import links
from twofactor import removing, reset_mail, resetting
from users import closing


def register() -> None:
    links.provide(reset_mail.STOP, resetting.stop_link)
    closing.provide_leaving(resetting.drop_reset)
    closing.provide_leaving(removing.remove_everything)
