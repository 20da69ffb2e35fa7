"""The closed lists, and that the documentation keeps up with them."""

from django.conf import settings
from django.utils import translation

from taxes.vocabulary import Exemption, ProductCategory, RateClass

_COLUMN_OF_REASONS = 500


def test_every_product_category_is_documented_once() -> None:
    page = (settings.BASE_DIR / "docs" / "taxes.md").read_text(encoding="utf-8")

    for category in ProductCategory:
        assert page.count(f"\n| `{category.value}` |") == 1, category


def test_every_product_category_has_a_nature_and_a_rate() -> None:
    assert all(category.nature for category in ProductCategory)
    assert {category.rate_class for category in ProductCategory} == set(RateClass)


def test_every_exemption_has_words_that_fit_the_column_in_every_language() -> None:
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            texts = [str(exemption.label) for exemption in Exemption]
        assert all(0 < len(text) <= _COLUMN_OF_REASONS for text in texts)
