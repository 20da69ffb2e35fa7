"""Telephone numbers as people type them, kept in the one form that works from everywhere."""

import phonenumbers


def international_form(text: str, *, country: str = "") -> str | None:
    """``text`` as "+44 20 7946 0018"; None when it is no telephone number.

    Without a leading plus it is read as one of ``country`` (ISO 3166-1). What can be dialled within
    a town only is none. Possible by length and country code is enough: ranges are opened faster
    than any list of them is renewed.
    """
    try:
        number = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        return None
    length = phonenumbers.is_possible_number_with_reason(number)
    if length != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
