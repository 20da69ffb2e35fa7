"""Why a supply gets no tax treatment. Every message names what the operator can do about it."""

from common.exceptions import DomainError


class TaxRefusal(DomainError):
    """No tax treatment can be given; nothing may be invoiced until the cause is gone."""


class TaxPointTooEarly(TaxRefusal):
    """The tax point lies before the first day whose rules are modelled."""


class UnknownCountry(TaxRefusal):
    """A country is missing or no code of ISO 3166-1: it would count as abroad and be untaxed."""


class SellerCountryNotModelled(TaxRefusal):
    """The seller is established where no tax law is modelled."""


class TerritoryNotModelled(TaxRefusal):
    """Seller and buyer are in parts of one state between which special national rules hold."""


class SellerNotRegistered(TaxRefusal):
    """The law taxes the supply in a country where no registration of the seller is on file."""


class ContradictoryRegistrations(TaxRefusal):
    """The seller is on file both as charging tax and as not charging it, on the same day."""


class NoRateKnown(TaxRefusal):
    """The rate table holds no rate for this country, class and day."""


class ReducedRateAbroad(TaxRefusal):
    """A reduced-rate product would be taxed in another country, whose reduced list differs."""
