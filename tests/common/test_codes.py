from collections.abc import Callable

import pytest
from django.core.exceptions import ValidationError

from common.codes import known_country, known_currency, known_locale, known_time_zone


@pytest.mark.parametrize(
    ("check", "known", "unknown"),
    [
        (known_country, ["GB", "DE", "GR"], ["UK", "EL", "XI", "gb", "", "ZZ"]),
        (known_currency, ["EUR", "JPY", "KWD"], ["EURO", "XAU", "XXX", "eur", ""]),
        (known_time_zone, ["UTC", "Europe/Berlin"], ["Europe/Brelin", "../UTC", "CET+1", ""]),
        (known_locale, ["en", "de", "de-AT", "fr-CH"], ["xx", "es", "de_AT", "deutsch", ""]),
    ],
)
def test_what_others_list_is_known_and_all_else_refused(
    check: Callable[[str], None], known: list[str], unknown: list[str]
) -> None:
    for code in known:
        check(code)
    for code in unknown:
        with pytest.raises(ValidationError, match="is not a"):
            check(code)
