"""The closed lists that tax speaks in: what is sold, how it is taxed, and what an invoice says.

Only enumerations, so that ``taxes.determination`` needs neither a database nor a clock.
"""

from enum import Enum, auto

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class RateClass(TextChoices):
    """A column of the rate table: which of a country's rates is meant.

    ``REDUCED`` is the first reduced rate of the country's own law. What falls under it differs from
    country to country, so it is only applied at the seller's home. ``BOOK`` and ``E_PUBLICATION``
    say what is sold and therefore mean the same everywhere, whatever the rate is called there.
    """

    STANDARD = "standard", _("standard rate")
    REDUCED = "reduced", _("reduced rate")
    BOOK = "book", _("rate for printed books")
    E_PUBLICATION = "e_publication", _("rate for electronic books")


class Nature(Enum):
    """What kind of supply decides the place where it is taxed."""

    GOODS = auto()
    SERVICE = auto()  # general rule: Directive 2006/112/EC, Art. 44 and 45
    ELECTRONIC_SERVICE = auto()  # Art. 58
    EXEMPT = auto()
    NOT_A_SUPPLY = auto()


class ProductCategory(TextChoices):
    """What a product, a charge or an invoice line is to the tax office.

    Stored on products and lines. docs/taxes.md says what belongs where.
    """

    GOODS = "goods", _("Goods")
    REDUCED_GOODS = "reduced_goods", _("Goods at the reduced rate")
    BOOK = "book", _("Printed books")
    SERVICE = "service", _("Services")
    REDUCED_SERVICE = "reduced_service", _("Services at the reduced rate")
    ELECTRONIC_SERVICE = "electronic_service", _("Electronic, telecom and broadcasting services")
    E_PUBLICATION = "e_publication", _("Electronic books")
    EXEMPT = "exempt", _("Exempt supplies, such as insurance or education")
    OUTSIDE_SCOPE = "outside_scope", _("Not a supply: deposits, fines, compensation")

    @property
    def nature(self) -> Nature:
        return _NATURES[self]

    @property
    def rate_class(self) -> RateClass:
        return _RATE_CLASSES.get(self, RateClass.STANDARD)


_NATURES = {
    ProductCategory.GOODS: Nature.GOODS,
    ProductCategory.REDUCED_GOODS: Nature.GOODS,
    ProductCategory.BOOK: Nature.GOODS,
    ProductCategory.SERVICE: Nature.SERVICE,
    ProductCategory.REDUCED_SERVICE: Nature.SERVICE,
    ProductCategory.ELECTRONIC_SERVICE: Nature.ELECTRONIC_SERVICE,
    ProductCategory.E_PUBLICATION: Nature.ELECTRONIC_SERVICE,
    ProductCategory.EXEMPT: Nature.EXEMPT,
    ProductCategory.OUTSIDE_SCOPE: Nature.NOT_A_SUPPLY,
}

_RATE_CLASSES = {
    ProductCategory.REDUCED_GOODS: RateClass.REDUCED,
    ProductCategory.REDUCED_SERVICE: RateClass.REDUCED,
    ProductCategory.BOOK: RateClass.BOOK,
    ProductCategory.E_PUBLICATION: RateClass.E_PUBLICATION,
}


class TaxCategory(TextChoices):
    """The codes of UNTDID 5305 that EN 16931 knows (BT-118, BT-151) and this program uses."""

    STANDARD = "S", _("Standard or reduced rate")
    ZERO = "Z", _("Zero rated")
    EXEMPT = "E", _("Exempt")
    REVERSE_CHARGE = "AE", _("Reverse charge")
    INTRA_COMMUNITY = "K", _("Intra-Community supply")
    EXPORT = "G", _("Export")
    OUTSIDE_SCOPE = "O", _("Not subject to VAT")


class TaxGroup(TextChoices):
    """Which lines may share a document: category O stands alone (BR-O-11 to BR-O-14)."""

    TAXED = "taxed", _("Taxed")
    OUTSIDE_SCOPE = "outside_scope", _("Outside the scope of tax")


class Scheme(TextChoices):
    """What a seller has registered for with a tax office, or relies on."""

    DOMESTIC = "domestic", _("Registered in the country")
    OSS_UNION = "oss_union", _("One Stop Shop, Union scheme")
    OSS_NON_UNION = "oss_non_union", _("One Stop Shop, non-Union scheme")
    SMALL_BUSINESS = "small_business", _("Not charging tax: exemption for small businesses")
    EU_THRESHOLD = "eu_threshold", _("Cross-border sales to EU consumers below EUR 10,000 a year")


class TaxNumberStatus(TextChoices):
    """What is known of a customer's tax number.

    ``VALID`` means that the tax office has confirmed it. One that merely looks right is
    ``UNCHECKED``.
    """

    NONE = "none", _("None given")
    UNCHECKED = "unchecked", _("Unchecked")
    VALID = "valid", _("Valid")
    INVALID = "invalid", _("Invalid")


class Exemption(TextChoices):
    """Why a line bears no tax. The label is what the invoice prints (BT-120).

    EN 16931 wants a reason for every category but S and Z (BR-AE-10, BR-IC-10, BR-G-10, BR-E-10,
    BR-O-10) and refuses one for those two (BR-S-10, BR-Z-10).
    """

    REVERSE_CHARGE = "reverse_charge", _("Reverse charge")
    INTRA_COMMUNITY = (
        "intra_community",
        _("Exempt intra-Community supply (Article 138 of Directive 2006/112/EC)"),
    )
    EXPORT_FROM_EU = (
        "export_from_eu",
        _("Export outside the EU (Article 146 of Directive 2006/112/EC)"),
    )
    EXPORT = "export", _("Export of goods, zero rated")
    EXPORT_OF_SERVICES = "export_of_services", _("Export of services, zero rated")
    CUSTOMER_ACCOUNTS = (
        "customer_accounts",
        _(
            "Not subject to VAT: supplied where the customer is established. Reverse charge: "
            "the customer accounts for any VAT due there"
        ),
    )
    SUPPLIED_ABROAD = (
        "supplied_abroad",
        _("Not subject to VAT: supplied outside the seller's tax territory"),
    )
    NOT_A_SUPPLY = "not_a_supply", _("Not subject to VAT: not consideration for a supply")
    NOT_REGISTERED = "not_registered", _("Not subject to VAT: the seller is not registered for VAT")
    SMALL_BUSINESS = "small_business", _("Exempt from VAT: exemption for small enterprises")
    # French law prescribes these words (CGI, ann. II, art. 242 nonies A), so they stay French.
    SMALL_BUSINESS_FR = "small_business_fr", "TVA non applicable, art. 293 B du CGI"
    EXEMPT = "exempt", _("Exempt from VAT")

    @property
    def code(self) -> str:
        """The VATEX code (BT-121), or "" where the code list has none for it.

        The list's own remarks tie each code to one category: VATEX-EU-AE to AE, -IC to K, -G to G,
        -O to O.
        """
        return _VATEX.get(self, "")


_VATEX = {
    Exemption.REVERSE_CHARGE: "VATEX-EU-AE",
    Exemption.INTRA_COMMUNITY: "VATEX-EU-IC",
    Exemption.EXPORT_FROM_EU: "VATEX-EU-G",
    Exemption.CUSTOMER_ACCOUNTS: "VATEX-EU-O",
    Exemption.SUPPLIED_ABROAD: "VATEX-EU-O",
    Exemption.NOT_A_SUPPLY: "VATEX-EU-O",
    Exemption.NOT_REGISTERED: "VATEX-EU-O",
    Exemption.SMALL_BUSINESS_FR: "VATEX-FR-FRANCHISE",
}
