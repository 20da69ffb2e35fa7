"""Every marked text has its German and its French, and they are what people get to read.

The catalogues are compiled here as `make setup` does it, from the files as they stand now.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.conf import settings as program_settings
from django.test import Client
from django.utils import translation
from django.utils.translation.template import templatize
from pytest_django import Settings

from common.scoping import account_scope
from mail.addresses import UnusableAddress, envelope_address
from mail.models import OutgoingEmail
from taxes.vocabulary import Exemption
from tests.factories import (
    add_member,
    make_account,
    make_invoice,
    make_seller,
    make_user,
    store_pdf,
)
from tests.people import signed_in

ROOT = program_settings.BASE_DIR
LANGUAGES = ("de", "fr")
NOT_THE_PROGRAM = {"benchmarks", "tests"}

_LITERAL = r"""u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_TEMPLATE_CALL = re.compile(rf"(?<!\w)(n?p?gettext|_)\(({_LITERAL}(?:, {_LITERAL})*)")
_PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[a-z]")
# An ordinary space where a line must not break, or a typewriter's apostrophe.
_UNTYPOGRAPHIC = re.compile(r" (?:[:;?!»]|%(?!\())|« |'")


class Text(NamedTuple):
    context: str
    singular: str
    plural: str


# --- What is marked, and what is translated -----------------------------------------------------


def _asked_for(function: str, arguments: list[str]) -> Text:
    """What a call of the gettext family with these leading literals asks to be translated."""
    name = function.removesuffix("_lazy").removesuffix("_noop")
    has_context, has_plural = name in {"pgettext", "npgettext"}, name in {"ngettext", "npgettext"}
    context = arguments.pop(0) if has_context else ""
    return Text(context, arguments[0], arguments[1] if has_plural else "")


def _marked_in_python(file: Path) -> Iterator[Text]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        function = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        function = node.func.id if isinstance(node.func, ast.Name) else function
        if function == "_" or re.fullmatch(r"n?p?gettext(_lazy|_noop)?", function):
            literals = [word.value for word in node.args if isinstance(word, ast.Constant)]
            yield _asked_for(function, [word for word in literals if isinstance(word, str)])


def _marked_in_template(file: Path) -> Iterator[Text]:
    """Through the same function as Django's own extraction."""
    for function, arguments in _TEMPLATE_CALL.findall(templatize(file.read_text(encoding="utf-8"))):
        yield _asked_for(function, [*ast.literal_eval(f"({arguments},)")])


def _marked() -> set[Text]:
    packages = [package.parent for package in ROOT.glob("[a-z]*/__init__.py")]
    programs = [package for package in packages if package.name not in NOT_THE_PROGRAM]
    python = {file for package in programs for file in package.rglob("*.py")}
    templates = {file for kind in ("html", "txt") for file in ROOT.glob(f"templates/**/*.{kind}")}
    return {text for file in python for text in _marked_in_python(file)} | {
        text for file in templates for text in _marked_in_template(file)
    }


def _catalogue(language: str) -> Catalog:
    source = ROOT / "locale" / language / "LC_MESSAGES" / "django.po"
    with source.open("rb") as file:
        return read_po(file, locale=language)


def _forms(message: Message) -> list[tuple[str, str]]:
    """Each English form beside its translation. Both languages have as many forms as English."""
    if isinstance(message.id, str):
        return [(message.id, str(message.string))]
    return list(zip(message.id, message.string or (), strict=True))


def _texts(catalogue: Catalog) -> Iterator[tuple[Text, Message]]:
    for message in catalogue:
        if message.id:
            singular, *plural = (english for english, _translated in _forms(message))
            yield Text(message.context or "", singular, "".join(plural)), message


def test_every_language_but_the_one_that_texts_are_written_in_has_a_catalogue() -> None:
    offered = {code for code, _name in program_settings.LANGUAGES}
    assert offered - {program_settings.LANGUAGE_CODE} == set(LANGUAGES)
    assert {folder.name for folder in (ROOT / "locale").iterdir()} == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
class TestCatalogues:
    def test_every_marked_text_is_translated(self, language: str) -> None:
        """If not: `make messages`, then translate what is empty or fuzzy in locale/."""
        translated = {
            text
            for text, message in _texts(_catalogue(language))
            if not message.fuzzy and all(words for _english, words in _forms(message))
        }
        marked = _marked()
        assert len(marked) > 200
        assert not marked - translated

    def test_nothing_is_kept_that_the_program_does_not_say(self, language: str) -> None:
        assert not {text for text, _message in _texts(_catalogue(language))} - _marked()

    def test_the_catalogue_compiles_as_a_whole(self, language: str) -> None:
        catalogue = _catalogue(language)
        # Babel compiles nothing of a catalogue that is fuzzy as a whole.
        assert not catalogue.fuzzy
        assert not list(catalogue.check())

    def test_translations_fill_in_what_the_english_fills_in(self, language: str) -> None:
        for _text, message in _texts(_catalogue(language)):
            for english, words in _forms(message):
                assert sorted(_PLACEHOLDER.findall(words)) == sorted(
                    _PLACEHOLDER.findall(english)
                ), words

    def test_translations_are_set_as_a_printer_would(self, language: str) -> None:
        for _text, message in _texts(_catalogue(language)):
            for _english, words in _forms(message):
                assert not _UNTYPOGRAPHIC.search(words), words


# --- What people read ---------------------------------------------------------------------------


@pytest.fixture
def compiled(tmp_path: Path, settings: Settings) -> None:
    """The program reads these catalogues, whether or not set-up has run since they changed."""
    for language in LANGUAGES:
        folder = tmp_path / language / "LC_MESSAGES"
        folder.mkdir(parents=True)
        with (folder / "django.mo").open("wb") as file:
            write_mo(file, _catalogue(language))
    settings.LOCALE_PATHS = [tmp_path]


@pytest.mark.django_db
@pytest.mark.usefixtures("compiled")
class TestReading:
    @pytest.mark.parametrize(
        ("language", "heading", "label", "note"),
        [
            ("de", "Anmelden", "Passwort", "Sie können sich nicht anmelden?"),
            ("fr", "Se connecter", "Mot de passe", "Vous ne parvenez pas à vous connecter\xa0?"),
        ],
    )
    def test_the_sign_in_page_speaks_the_browsers_language(
        self, language: str, heading: str, label: str, note: str
    ) -> None:
        page = Client().get("/sign-in/", headers={"Accept-Language": language}).content.decode()
        assert f'<h1 class="page-title">{heading}</h1>' in page
        assert f">{label}</label>" in page
        assert note in page
        assert "mailto:support@operator.example" in page

    @pytest.mark.parametrize(
        ("language", "refusal"),
        [
            ("de", "Ihnen fehlt in diesem Kundenkonto die Berechtigung „Rechnungen ansehen“."),
            ("fr", "Vous ne pouvez pas voir les factures."),
        ],
    )
    def test_a_refusal_is_one_sentence_in_the_readers_language(
        self, language: str, refusal: str
    ) -> None:
        account, member = make_account(), make_user(language=language)
        add_member(account, member)
        answer = signed_in(member).get(f"/a/{account.number}/billing/invoices/")
        assert answer.status_code == 403
        assert refusal in answer.content.decode()

    @pytest.mark.parametrize(
        ("language", "exemption", "reason"),
        [
            (
                "de",
                "Nicht steuerbar: Der Leistungsort liegt am Sitz des Leistungsempfängers.",
                "Sie sind Inhaber des Kundenkontos {account}",
            ),
            (
                "fr",
                "TVA non applicable\xa0: prestation localisée au lieu d’établissement du preneur.",
                "Vous êtes titulaire du compte client {account}",
            ),
        ],
    )
    def test_an_invoice_and_its_mail_speak_the_documents_language(
        self, language: str, exemption: str, reason: str
    ) -> None:
        account = make_account(locale=language, country="CH")
        invoice = make_invoice(account, seller=make_seller(registration_id="09876543"))
        store_pdf(invoice)
        with account_scope(account):
            [tax] = invoice.tax_lines.filter(account=account)
            [email] = OutgoingEmail.objects.filter(account_id=account.pk)
        assert tax.exemption_reason.startswith(exemption)
        assert reason.format(account=account.number) in email.text_body

    @pytest.mark.parametrize(
        ("language", "reverse_charge"),
        [
            ("de", "Steuerschuldnerschaft des Leistungsempfängers (Reverse Charge)"),
            ("fr", "Autoliquidation"),
        ],
    )
    def test_a_reverse_charge_is_called_what_the_law_calls_it(
        self, language: str, reverse_charge: str
    ) -> None:
        with translation.override(language):
            assert str(Exemption.REVERSE_CHARGE.label) == reverse_charge

    def test_what_french_law_prescribes_stays_french_in_every_language(self) -> None:
        for language in ("en", *LANGUAGES):
            with translation.override(language):
                words = str(Exemption.SMALL_BUSINESS_FR.label)
            assert words == "TVA non applicable, art. 293 B du CGI"

    def test_an_address_is_refused_in_the_readers_language(self) -> None:
        with translation.override("de"), pytest.raises(UnusableAddress, match="keine E-Mail-Adr"):
            envelope_address("nobody")
