from typing import Any

from accounts.models import NAME_LENGTH
from users.forms import PersonNameField


class AccountNameField(PersonNameField):
    """What an organisation or an account is called: it stands in mails as people's names do."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", NAME_LENGTH)
        super().__init__(**kwargs)
