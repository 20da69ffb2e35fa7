"""What a seller is registered for, as determination needs it."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from taxes.models import TaxRegistration
from taxes.parties import Registration
from taxes.vocabulary import Scheme


def registrations_of(seller_codes: Collection[str]) -> Mapping[str, tuple[Registration, ...]]:
    """Every registration, past ones too, by seller code, in one query.

    A seller without any is in the answer with none: determination then refuses with the reason.
    """
    found: dict[str, list[Registration]] = defaultdict(list)
    for row in TaxRegistration.objects.filter(seller_code__in=seller_codes):
        found[row.seller_code].append(
            Registration(
                country=row.country,
                scheme=Scheme(row.scheme),
                number=row.number,
                valid_from=row.valid_from,
                valid_to=row.valid_to,
            )
        )
    return {code: tuple(found[code]) for code in seller_codes}
