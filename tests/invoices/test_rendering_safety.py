"""What a customer writes is printed as text; a document reaches for nothing outside itself."""

import http.server
import io
import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pikepdf
import pytest
from django.template import Engine, Template
from weasyprint.urls import FatalURLFetchingError, fetch

from invoices.rendering import pdf as printing
from invoices.rendering.fetcher import DenyingFetcher, FetchRefused
from invoices.rendering.pdf import RenderingRefused, render_pdf
from tests.invoices.documents import BUYER, SELLER, a_document, a_line
from tests.invoices.pdfs import text_of


@pytest.fixture
def canary() -> Iterator[tuple[str, list[str]]]:
    """A web server on this machine, and the paths that anybody asked it for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing on standard error."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


def hostile_texts(canary: str, secret_file: Path) -> list[str]:
    return [
        f'<img src="{canary}/img.png">',
        f"<img src='{secret_file.as_uri()}'>",
        f'<link rel="attachment" href="{secret_file.as_uri()}">',
        f'<link rel="stylesheet" href="{canary}/style.css">',
        f"<style>@import url({canary}/import.css)</style>",
        f'<svg><image href="{canary}/svg.png"/></svg>',
        f'<object data="{canary}/object"></object>',
        f'"><iframe src="{canary}/frame"></iframe>',
        f"' onerror='x' style='background:url({canary}/background.png)",
        f"url({canary}/url.png)",
        secret_file.as_uri(),
        "<script>alert(1)</script>",
        "</td></tr></table><h1>Free</h1>",
        "</title><title>Another title</title>",
        "<!-- comment --> <![CDATA[x]]>",
        "{{ settings.SECRET_KEY }}{% debug %}{% include 'x' %}{# gone #}",
        "${7*7} #{7*7} {{ 7|add:7 }}",
        "&lt;b&gt; &amp; &#60;",
    ]


def test_hostile_texts_are_printed_letter_by_letter_and_nothing_is_loaded(
    canary: tuple[str, list[str]], tmp_path: Path
) -> None:
    address, asked = canary
    secret_file = tmp_path / "secret.txt"
    secret_file.write_text("the secret of this machine")
    refused_before = printing._press().fetcher.refused
    for text in hostile_texts(address, secret_file):
        document = a_document(
            [a_line(1, description=text, note=text, item_id=text)],
            buyer=replace(BUYER, name=text, contact_name=text, phone=text),
            seller=replace(SELLER, trading_name=text, legal_information=text),
            order_number=text,
            buyer_reference=text,
            notes=(text,),
            payment_terms=text,
        )
        pdf = render_pdf(document, einvoice=b"<invoice/>")

        printed = "".join(text_of(pdf).split())
        # Name, contact, order, reference, terms, note and description at the least.
        assert printed.count("".join(text.split())) >= 7, text
        assert embedded_in(pdf) == {"factur-x.xml": b"<invoice/>"}
        assert "secretofthismachine" not in printed
    assert asked == []
    assert printing._press().fetcher.refused == refused_before


def embedded_in(pdf: bytes) -> dict[str, bytes]:
    """Every file within the PDF, listed or not."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        streams = [
            one
            for one in document.objects
            if isinstance(one, pikepdf.Stream) and one.get("/Type") == "/EmbeddedFile"
        ]
        named = {name: spec.get_file().read_bytes() for name, spec in document.attachments.items()}
        assert len(streams) == len(named)
    return named


def test_templates_escape_everything() -> None:
    """No template of a document switches escaping off; html and css are the only kinds there."""
    engine = Engine.get_default()
    folder = Path(engine.dirs[0]) / "invoices" / "pdf"
    sources = [path.read_text() for path in folder.glob("*.html")]

    assert sources
    assert engine.autoescape
    for source in sources:
        assert not any(word in source for word in ("|safe", "autoescape", "mark_safe")), source
        assert isinstance(engine.from_string(source), Template)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "http://127.0.0.1/",
        "https://example.com/",
        "ftp://example.com/",
        "data:text/plain,x",
        "logo:unknown.png",
        "",
    ],
)
def test_fetcher_refuses_every_address(url: str, caplog: pytest.LogCaptureFixture) -> None:
    fetcher = DenyingFetcher()

    with pytest.raises(FetchRefused):
        fetcher.fetch(url)
    with pytest.raises(FetchRefused):
        fetcher.open(url)
    with pytest.raises(FatalURLFetchingError), fetch(fetcher, url):
        pytest.fail("something was fetched")
    assert fetcher.refused == 3
    assert len(caplog.records) == 3
    assert "passwd" not in caplog.text


def test_fetcher_hands_out_what_it_was_given() -> None:
    fetcher = DenyingFetcher()
    fetcher.allow("logo:a.png", b"picture")

    with fetch(fetcher, "logo:a.png") as response:
        assert response.read() == b"picture"
    assert fetcher.refused == 0


@pytest.mark.parametrize(
    "markup",
    [
        '<img src="file:///etc/passwd">',
        '<link rel="attachment" href="file:///etc/passwd">',
        '<style>@import url("file:///etc/passwd");</style>',
        '<p style="background:url(data:image/png;base64,AAAA)">x</p>',
    ],
)
def test_document_that_does_reach_out_is_not_printed(
    markup: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The wall behind the escaping: even markup in a template itself loads nothing."""
    render_pdf(a_document(1))
    monkeypatch.setattr(printing, "render_to_string", lambda *_: f"<html>{markup}</html>")

    with caplog.at_level(logging.ERROR), pytest.raises(RenderingRefused):
        render_pdf(a_document(1))
    assert "rendering asked for" in caplog.text
