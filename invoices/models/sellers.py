from typing import ClassVar

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from common.codes import known_country, known_currency, known_time_zone
from invoices.models.columns import AMOUNT, PERCENT

# As invoices.parties takes them: both end in what the PDF engine reads.
_COLOUR = "^#[0-9A-Fa-f]{6}$"
_LOGO = r"^[a-z0-9][a-z0-9_-]*\.(png|jpg)$"
# A prefix of 20 and as many digits are the 40 characters of invoices.Invoice.number.
_MOST_DIGITS = 20


class DocumentKind(models.TextChoices):
    """UNTDID 1001 type of a document: 380 and 381."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


class Seller(models.Model):
    """A legal entity of the operator that issues invoices. Its registrations are in ``taxes``."""

    # Also how taxes.TaxRegistration, which knows nothing of invoices, names its seller.
    code = models.SlugField(max_length=40, unique=True)
    legal_name = models.CharField(max_length=250)
    trading_name = models.CharField(max_length=250, blank=True)
    address_line_1 = models.CharField(max_length=200)
    address_line_2 = models.CharField(max_length=200, blank=True)
    address_line_3 = models.CharField(max_length=200, blank=True)
    postcode = models.CharField(max_length=20, blank=True)
    city = models.CharField(max_length=100)
    subdivision = models.CharField(max_length=100, blank=True)
    country = models.CharField(
        max_length=2, validators=[known_country], help_text="ISO 3166-1 alpha-2"
    )
    contact_name = models.CharField(max_length=250, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    email = models.EmailField(help_text="sender and reply address of invoice mail")
    website = models.CharField(max_length=200, blank=True)
    tax_registration = models.CharField(max_length=60, blank=True, help_text="EN 16931 BT-32")
    registration_id = models.CharField(max_length=60, blank=True, help_text="EN 16931 BT-30")
    registration_scheme = models.CharField(max_length=4, blank=True, help_text="ISO 6523 code")
    identifier = models.CharField(max_length=60, blank=True, help_text="EN 16931 BT-29")
    identifier_scheme = models.CharField(max_length=4, blank=True, help_text="ISO 6523 code")
    electronic_address = models.CharField(max_length=100, blank=True, help_text="EN 16931 BT-34")
    electronic_address_scheme = models.CharField(max_length=4, blank=True, help_text="EAS code")
    legal_information = models.CharField(max_length=500, blank=True, help_text="EN 16931 BT-33")

    timezone = models.CharField(
        max_length=64, validators=[known_time_zone], help_text="issue dates are days of this zone"
    )
    accounting_currency = models.CharField(
        max_length=3, validators=[known_currency], help_text="EN 16931 BT-6, ISO 4217"
    )
    payment_terms_days = models.PositiveSmallIntegerField(default=14)
    iban = models.CharField("IBAN", max_length=34, blank=True)
    bank_account = models.CharField(
        max_length=40, blank=True, help_text="where there is no IBAN: sort code and number"
    )
    bank_account_name = models.CharField(max_length=250, blank=True)
    bic = models.CharField("BIC", max_length=11, blank=True)
    bank_name = models.CharField(max_length=100, blank=True)
    creditor_id = models.CharField(max_length=40, blank=True, help_text="EN 16931 BT-90")
    logo = models.CharField(
        max_length=100,
        blank=True,
        validators=[
            RegexValidator(
                _LOGO, "Enter a file’s name alone: small letters, digits, - and _, .png or .jpg."
            )
        ],
        help_text="file name in the installation's logo directory",
    )
    colour = models.CharField(
        max_length=7,
        blank=True,
        validators=[RegexValidator(_COLOUR, "Enter a colour such as #0b5d57.")],
        help_text="#rrggbb, used sparingly",
    )

    # Limits within which a billing run's drafts are issued without approval. Empty: never.
    approval_total_limit = models.DecimalField(**AMOUNT, null=True, blank=True)
    approval_count_limit = models.PositiveIntegerField(null=True, blank=True)
    approval_change_limit = models.DecimalField(
        **PERCENT,
        null=True,
        blank=True,
        help_text="percent against the account's previous documents",
    )

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(country__regex="^[A-Z]{2}$"), name="seller_country_is_a_code"
            ),
            models.CheckConstraint(
                condition=Q(accounting_currency__regex="^[A-Z]{3}$"),
                name="seller_currency_is_a_code",
            ),
            models.CheckConstraint(
                condition=Q(colour="") | Q(colour__regex=_COLOUR), name="seller_colour_is_one"
            ),
            models.CheckConstraint(
                condition=Q(logo="") | Q(logo__regex=_LOGO), name="seller_logo_is_a_file_name"
            ),
        ]

    def __str__(self) -> str:
        return self.trading_name or self.legal_name


class NumberSeries(models.Model):
    """Numbers 1…N of one seller and kind of document, without a gap, and the chain's newest link.

    ``last_sequence`` is taken last and under lock (``invoices.numbering``). Triggers hold that it
    grows by one, that the document which carries the number exists when the transaction commits,
    and that nothing else changes once a number was given. A yearly restart is a new series.
    """

    seller = models.ForeignKey(Seller, on_delete=models.PROTECT, related_name="series")
    kind = models.CharField(max_length=20, choices=DocumentKind.choices)
    prefix = models.CharField(
        max_length=20, help_text="capital letters, digits and hyphens: INV-2026-"
    )
    digits = models.PositiveSmallIntegerField(default=6, help_text="padded with zeros to this")
    is_current = models.BooleanField(default=True)
    last_sequence = models.PositiveIntegerField(default=0, editable=False)
    last_issue_date = models.DateField(null=True, editable=False)
    # SHA-256 of the newest document's content, in hex; empty before the first.
    last_hash = models.CharField(max_length=64, default="", blank=True, editable=False)

    class Meta:
        verbose_name_plural = "number series"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            # Over all sellers: an address names a document by its number alone.
            models.UniqueConstraint(fields=["prefix"], name="series_prefix_is_unique"),
            models.UniqueConstraint(
                fields=["seller", "kind"],
                condition=Q(is_current=True),
                name="series_one_current_a_kind",
                violation_error_message="This seller has a current series for this kind of"
                " document already: choose it in the list and start the next one from there.",
            ),
            models.CheckConstraint(
                condition=Q(prefix__regex="^[A-Z0-9-]*$"),
                name="series_prefix_fits_a_url",
                violation_error_message="A prefix has capital letters, digits and hyphens only,"
                " such as INV-2026-.",
            ),
            models.CheckConstraint(
                condition=Q(digits__range=(1, _MOST_DIGITS)),
                name="series_number_fits_a_document",
                violation_error_message=f"Numbers are padded to 1 to {_MOST_DIGITS} digits.",
            ),
            models.CheckConstraint(
                condition=Q(last_sequence=0, last_hash="", last_issue_date__isnull=True)
                | Q(~Q(last_hash=""), last_sequence__gt=0, last_issue_date__isnull=False),
                name="series_hash_with_first_number",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.prefix}… of {self.seller}"

    def number(self, sequence: int) -> str:
        """The printed number, such as ``INV-2026-000042``."""
        return f"{self.prefix}{sequence:0{self.digits}d}"
