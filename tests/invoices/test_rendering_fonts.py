"""Names in any script: real glyphs where the fonts are, and told at start where they are not."""

import logging
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pypdfium2
import pytest
from pytest_django import Settings

from invoices.rendering import fonts
from invoices.rendering import pdf as printing
from invoices.rendering.fonts import FontsMissing, SystemFont, missing_fonts
from invoices.rendering.legible import STAND_IN, Coverage, legible
from invoices.rendering.pdf import render_pdf
from tests.invoices.documents import BUYER, a_document, a_line
from tests.invoices.pdfs import boxes_of, fonts_of, text_of

NAMES = {
    "Latin": "Åsa Łukasz Þórðarson Ğül Őry Nguyễn Thị Hằng ẞ €£₺₽₹₿",
    "Greek": "Ελληνικά Συστήματα Φιλοξενίας Α.Ε. ΐΰ",
    "Cyrillic": "ТОВ «Київські Хмарні Обчислення» Їжак Ґанок Ђорђе",
    "Arabic": "شركة الخليج للاستضافة السحابية",
    "Hebrew": "חברת אירוח בע״מ",
    "Armenian": "Հայկական Ընկերություն",
    "Georgian": "ქართული კომპანია",
    "Devanagari": "भारत होस्टिंग प्राइवेट लिमिटेड",
    "Bengali": "বাংলাদেশ হোস্টিং লিমিটেড",
    "Tamil": "தமிழ் நிறுவனம்",
    "Thai": "บริษัท โฮสติ้ง จำกัด",
    "Chinese": "北京云计算有限公司",
    "Japanese": "株式会社さくらインターネット",
    "Korean": "한국 호스팅 주식회사",
    "Gujarati": "ગુજરાત હોસ્ટિંગ લિમિટેડ",
    "Gurmukhi": "ਪੰਜਾਬ ਹੋਸਟਿੰਗ ਲਿਮਟਿਡ",
    "Oriya": "ଓଡ଼ିଶା ହୋଷ୍ଟିଂ",
    "Telugu": "తెలుగు హోస్టింగ్ లిమిటెడ్",
    "Kannada": "ಕನ್ನಡ ಹೋಸ್ಟಿಂಗ್ ಲಿಮಿಟೆಡ್",
    "Malayalam": "മലയാളം ഹോസ്റ്റിംഗ് ലിമിറ്റഡ്",
    "Sinhala": "ශ්‍රී ලංකා සමාගම",
    "Lao": "ບໍລິສັດ ໂຮດຕິ້ງ ຈຳກັດ",
    "Khmer": "ក្រុមហ៊ុន ខ្មែរ",
    "Myanmar": "မြန်မာ ကုမ္ပဏီ",
    "Tibetan": "བོད་ཀྱི་ཀུང་སི",
    "Mongolian": "ᠮᠣᠩᠭᠣᠯ",
    "Ethiopic": "ኢትዮጵያ ሆስቲንግ",
    "Thaana": "ދިވެހި ކުންފުނި",
    "Syriac": "ܣܘܪܝܝܐ",
    "NKo": "ߒߞߏ",
    "Tifinagh": "ⵜⵉⴼⵉⵏⴰⵖ",
    "Cherokee": "ᏣᎳᎩ ꮳꮃꭹ",
    "CanadianAboriginal": "ᐃᓄᒃᑎᑐᑦ",
    "Yi": "ꆈꌠꁱꂷ",
    "Adlam": "𞤀𞤣𞤤𞤢𞤥",
}
EMOJI = "😀 👨‍👩‍👧 🇩🇪 👍🏽 ❤️ ☕ 1️⃣ 🏴󠁧󠁢󠁥󠁮󠁧󠁿"
OURS = frozenset({"Latin", "Greek", "Cyrillic"})


def is_printable_here(script: str) -> bool:
    return script in OURS or not any(script in message for message in missing_fonts())


@pytest.mark.parametrize("script", NAMES)
def test_names_are_printed_in_real_glyphs(script: str, caplog: pytest.LogCaptureFixture) -> None:
    if not is_printable_here(script):
        pytest.skip(f"no font for {script} on this machine")
    name = NAMES[script]
    document = a_document(
        [a_line(description=name)], buyer=replace(BUYER, name=name, contact_name=name)
    )

    with caplog.at_level(logging.WARNING, logger="weasyprint"):
        pdf = render_pdf(document)

    assert "notdef" not in caplog.text
    assert boxes_of(pdf) == set()


def test_one_document_holds_every_script_and_all_of_it_is_printed() -> None:
    """Left to right and right to left, with emoji, and what no font has (U3, no ``.notdef``)."""
    unprintable = "\U00013000 \ue000 \u0378 \uffff x\ufff9 \u2028"
    names = [*filter(is_printable_here, NAMES), *((EMOJI,) if has_emoji() else ()), unprintable]
    lines = [
        a_line(position, description=NAMES.get(name, name), note=NAMES.get(name, name))
        for position, name in enumerate(names, start=1)
    ]

    assert boxes_of(render_pdf(a_document(lines))) == set()


def has_emoji() -> bool:
    return not any("Emoji" in message for message in missing_fonts())


@pytest.mark.parametrize(
    "script",
    [
        *("Greek", "Cyrillic", "Armenian", "Georgian", "Hebrew", "Tamil", "Lao", "Ethiopic"),
        *("Cherokee", "CanadianAboriginal", "Tifinagh", "Yi", "Mongolian"),
        *("Chinese", "Japanese", "Korean"),
    ],
)
def test_names_can_be_copied_from_the_document(script: str) -> None:
    if not is_printable_here(script):
        pytest.skip(f"no font for {script} on this machine")
    name = NAMES[script]

    # A long name is on two lines.
    printed = "".join(text_of(render_pdf(a_document(1, buyer=replace(BUYER, name=name)))).split())
    assert "".join(name.split()) in printed


def test_a_character_that_no_font_has_is_seen_by_these_tests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Egyptian hieroglyphs: so that a test which finds no box has looked for one."""
    monkeypatch.setattr(printing, "legible", lambda html, _: html)
    pdf = render_pdf(a_document(1, buyer=replace(BUYER, name="\U00013000")))

    assert len(boxes_of(pdf)) == 1


@pytest.mark.parametrize("name", ["Nguyễn Ελλάδα Київ 123.45", "– “quoted” × 3 ≤ 5 → ok …"])
def test_latin_greek_and_cyrillic_need_no_font_but_ours(name: str) -> None:
    used = fonts_of(render_pdf(a_document([a_line(description=name)])))

    assert used
    assert all("Inter" in font for font in used)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("\U00013000\U00013001", STAND_IN * 2),
        ("a\ue000b", f"a{STAND_IN}b"),
        ("\u0378", STAND_IN),
        ("x\u2028y\u2029z", "x y z"),
        ("Plain – “text” €", "Plain – “text” €"),
    ],
)
def test_what_no_font_has_is_printed_by_a_sign_for_each(text: str, printed: str) -> None:
    assert legible(text, printing._press().coverage) == printed


LATIN_ALONE = Coverage(firsts=(0x20, 0xA0, 0x25A1), lasts=(0x7E, 0xFF, 0x25A1))


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("𝗔𝗰𝗺𝗲", "Acme"),
        ("ＡＣＭＥ ㎏", "ACME kg"),
        ("ﬁne", "fine"),
        ("a\u200db\ufe0fc\u2060", "abc"),
        ("😀", STAND_IN),
        ("北", STAND_IN),
    ],
)
def test_plainer_form_comes_first_where_no_font_has_the_character(text: str, printed: str) -> None:
    assert legible(text, LATIN_ALONE) == printed


@pytest.mark.parametrize(
    "text", ["\uff1cb\uff1e", "\ufe64b\ufe65", "\uff06lt;", "\uff02", "\uff07"]
)
def test_plainer_form_never_becomes_markup(text: str) -> None:
    assert not set(legible(text, LATIN_ALONE)) & set("<>\"'")
    assert legible("\uff06", LATIN_ALONE) == "&amp;"


def test_emoji_are_printed_in_one_colour() -> None:
    if not has_emoji():
        pytest.skip("no font for emoji on this machine")
    pdf = render_pdf(a_document(1, buyer=replace(BUYER, name=EMOJI)))

    assert any("Emoji" in font for font in fonts_of(pdf))
    assert boxes_of(pdf) == set()


def test_without_our_fonts_nothing_is_rendered(settings: Settings, tmp_path: Path) -> None:
    """Pango without any font crashes the process: it must not get that far."""
    settings.FONTS_DIR = tmp_path
    fonts.prepare.cache_clear()
    printing._press.cache_clear()
    try:
        with pytest.raises(FontsMissing, match=r"Inter_400Regular\.ttf"):
            render_pdf(a_document(1))
    finally:
        printing._press.cache_clear()


def test_missing_scripts_are_told_with_the_package_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(fonts, "_SYSTEM_FOLDERS", (tmp_path,))
    told = "\n".join(missing_fonts())

    assert "Chinese, Japanese and Korean. Install fonts-wqy-microhei." in told
    assert "Arabic, Armenian, Bengali" in told
    assert "Install fonts-noto-core." in told


def test_machine_without_our_fonts_is_told_so_before_it_renders(
    settings: Settings, tmp_path: Path
) -> None:
    settings.FONTS_DIR = tmp_path

    with pytest.raises(FontsMissing, match="make setup"):
        missing_fonts()


def test_missing_library_that_halves_the_time_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "_HARFBUZZ_SUBSET", "libharfbuzz-that-is-not-there.so.0")

    assert any("libharfbuzz-subset0" in message for message in missing_fonts())


def test_first_alternative_that_is_installed_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(fonts, "_SYSTEM_FOLDERS", (tmp_path,))
    cjk = SystemFont("Han", "some-package", (("best.ttc", "best-bold.ttc"), ("good.ttf",)))
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "good.ttf").touch()
    assert fonts._available(cjk, fonts._system_files()) == (tmp_path / "deep" / "good.ttf",)

    (tmp_path / "best.ttc").touch()
    assert fonts._available(cjk, fonts._system_files()) == (tmp_path / "best.ttc",)


def test_folder_links_to_exactly_the_given_files_and_is_made_once(
    settings: Settings, tmp_path: Path
) -> None:
    own = [settings.FONTS_DIR / face for face in fonts.OWN_FACES]
    other = tmp_path / "Other.ttf"
    other.write_bytes(b"is not a font")
    var = tmp_path / "var"
    first = fonts._folder_of_links(var, own=own, others=[other])

    assert fonts._folder_of_links(var, own=own[::-1], others=[other]) == first
    assert "ẞ" in Coverage.read(first / "coverage")
    linked = {str(link.relative_to(first)): link.resolve() for link in first.glob("f*s/*")}
    assert linked == {
        "faces/Inter_400Regular.ttf": own[0].resolve(),
        "faces/Inter_600SemiBold.ttf": own[1].resolve(),
        "faces/Other.ttf": other,
        "figures/Inter_400Regular.ttf": own[0].resolve(),
        "figures/Inter_600SemiBold.ttf": own[1].resolve(),
    }
    assert fonts._folder_of_links(var, own=own, others=[]) != first
    # Nothing that was made aside is left.
    assert len(list(var.iterdir())) == 2


def test_figures_in_columns_are_of_one_width() -> None:
    """A column of ones is as wide as a column of eights."""
    lines = [
        a_line(1, description="x", item_id="", period=None, unit_price=Decimal("111111.11")),
        a_line(2, description="x", item_id="", period=None, unit_price=Decimal("888888.88")),
    ]
    with closing(pypdfium2.PdfDocument(render_pdf(a_document(lines)))) as document:
        page = document[0].get_textpage()
        widths = []
        for price in ("111,111.11", "888,888.88"):
            index, _ = page.search(price).get_next()
            left, right = page.get_charbox(index), page.get_charbox(index + 9)
            widths.append(right[0] - left[0])

    assert widths[0] == pytest.approx(widths[1], abs=0.6)
