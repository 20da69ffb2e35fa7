"""A process that makes the invoice by another program, as one would write it with each.

Same texts, same lines. Chromium prints the naive page, tagged. The libraries draw the page
themselves, in the same font. None of the three embeds an e-invoice or makes an archival file.

    python -m benchmarks._others fpdf2
"""

import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from xml.sax.saxutils import escape

import django

django.setup()

from django.conf import settings  # noqa: E402 - after the set-up
from fpdf import FPDF, FontFace  # noqa: E402
from fpdf.enums import TableBordersLayout  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402
from reportlab.lib import colors  # noqa: E402
from reportlab.lib.pagesizes import A4  # noqa: E402
from reportlab.lib.styles import ParagraphStyle  # noqa: E402
from reportlab.lib.units import mm  # noqa: E402
from reportlab.pdfbase import pdfmetrics  # noqa: E402
from reportlab.pdfbase.ttfonts import TTFont  # noqa: E402
from reportlab.pdfgen.canvas import Canvas  # noqa: E402
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table  # noqa: E402

from benchmarks._naive_page import naive_page, naive_style  # noqa: E402
from benchmarks._press import Press, serve  # noqa: E402
from invoices.rendering.composing import lay_out  # noqa: E402
from invoices.rendering.document import InvoiceDocument  # noqa: E402
from invoices.rendering.sheet import Row, Sheet  # noqa: E402
from tests.e2e.browser import chromium as path_of_chromium  # noqa: E402

_WIDTHS = (9, 74, 23, 24, 15, 27)  # of the columns, in millimetres
_GREY = (91, 100, 112)


def chromium() -> Press:
    """A tab that is kept open. Its processes end with this one."""
    path = path_of_chromium()
    if path is None:
        sys.exit("It needs a browser: apt-get install chromium")
    playwright = sync_playwright().start()
    browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
    tab = browser.new_page()
    style = naive_style(family="sans-serif")

    def press(document: InvoiceDocument, _: bytes) -> bytes:
        tab.set_content(naive_page(document, style=style))
        return tab.pdf(prefer_css_page_size=True, print_background=True, tagged=True)

    return press


def _faces() -> tuple[Path, Path]:
    folder = settings.FONTS_DIR
    return folder / "400Regular/Inter_400Regular.ttf", folder / "600SemiBold/Inter_600SemiBold.ttf"


def _heads(sheet: Sheet) -> tuple[str, ...]:
    words = sheet.words
    named = (words.position, words.description, words.quantity, words.unit_price, words.tax)
    return (*named, sheet.column_net)


def _cells(row: Row) -> tuple[str, ...]:
    description = "\n".join(filter(None, (row.description, row.details)))
    price = " ".join(filter(None, (row.unit_price, row.price_base)))
    return row.position, description, row.quantity, price, row.tax, row.net


def _top(sheet: Sheet) -> tuple[str, str]:
    """What stands above the lines, at the left and at the right."""
    buyer = f"{sheet.sender_line}\n{sheet.buyer_name}\n{sheet.buyer_address}"
    facts = "\n".join(f"{fact.label}  {fact.value}" for fact in sheet.facts)
    return buyer, facts


def _to_pay(sheet: Sheet) -> str:
    facts = (f"{fact.label}  {fact.value}" for one in sheet.payments for fact in one.facts)
    return "\n".join((f"{sheet.amount_label}  {sheet.amount}", sheet.due, *facts))


class _Pages(FPDF):
    """What fpdf2 repeats on every page."""

    foot = ""

    def footer(self) -> None:
        self.set_y(-25)
        self.set_font("Inter", size=7)
        self.multi_cell(150, 3.5, self.foot)
        self.set_y(-25)
        self.cell(0, 3.5, f"{self.page_no()} / {{nb}}", align="R")


def fpdf2() -> Press:
    regular, bold = _faces()

    def press(document: InvoiceDocument, _: bytes) -> bytes:
        sheet = lay_out(document)
        pdf = _Pages()
        pdf.foot = "\n".join(sheet.footer)
        pdf.set_auto_page_break(True, margin=27)
        pdf.set_margins(20, 14, 18)
        pdf.add_font("Inter", fname=regular)
        pdf.add_font("Inter", style="B", fname=bold)
        pdf.set_title(sheet.title)
        pdf.set_lang(sheet.language)
        pdf.add_page()
        _head_by_fpdf2(pdf, sheet)
        with pdf.table(
            col_widths=_WIDTHS,
            text_align=("L", "L", "R", "R", "R", "R"),
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            headings_style=FontFace(emphasis="", color=_GREY),
            line_height=4.5,
        ) as table:
            for cells in (_heads(sheet), *map(_cells, sheet.rows)):
                table.row(cells)
        pdf.ln(3)
        for fact in sheet.totals:
            pdf.set_font("Inter", style="B" if fact.is_total else "")
            pdf.cell(130, 5, fact.label, align="R")
            pdf.cell(0, 5, fact.value, align="R", new_x="LMARGIN", new_y="NEXT")
        pdf.set_font("Inter")
        for note in sheet.notes:
            pdf.multi_cell(0, 4.5, note, new_x="LMARGIN", new_y="NEXT")
        return bytes(pdf.output())

    return press


def _head_by_fpdf2(pdf: FPDF, sheet: Sheet) -> None:
    pdf.set_font("Inter", style="B", size=15)
    pdf.cell(78, 8, sheet.seller_name)
    pdf.set_font("Inter", size=15)
    pdf.cell(0, 8, sheet.heading, new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("Inter", size=9)
    buyer, facts = _top(sheet)
    top = pdf.get_y() + 5
    pdf.multi_cell(74, 4.5, buyer)
    pdf.set_xy(98, top)
    pdf.multi_cell(0, 4.5, facts, new_x="LMARGIN", new_y="NEXT")
    pdf.ln(5)
    pdf.set_fill_color(243, 244, 246)
    pdf.multi_cell(0, 4.5, _to_pay(sheet), fill=True, new_x="LMARGIN", new_y="NEXT")
    pdf.ln(5)


def reportlab() -> Press:
    regular, bold = _faces()
    pdfmetrics.registerFont(TTFont("Inter", str(regular)))
    pdfmetrics.registerFont(TTFont("Inter-Bold", str(bold)))
    body = ParagraphStyle("body", fontName="Inter", fontSize=9, leading=12)
    title = ParagraphStyle("title", parent=body, fontSize=15, leading=18)

    def text(words: str, style: ParagraphStyle = body) -> Paragraph:
        return Paragraph(escape(words).replace("\n", "<br/>"), style)

    def press(document: InvoiceDocument, _: bytes) -> bytes:
        sheet = lay_out(document)
        buyer, facts = _top(sheet)
        story: list[Flowable] = [
            Table(
                [[text(sheet.seller_name, title), text(sheet.heading, title)]], [78 * mm, 94 * mm]
            ),
            Table([[text(buyer), text(facts)]], [78 * mm, 94 * mm]),
            Spacer(1, 5 * mm),
            text(_to_pay(sheet)),
            Spacer(1, 5 * mm),
            _lines_by_reportlab(sheet, text),
            Spacer(1, 3 * mm),
            _totals_by_reportlab(sheet),
            *map(text, sheet.notes),
        ]
        target = BytesIO()
        margins = {"leftMargin": 20 * mm, "rightMargin": 18 * mm}
        margins |= {"topMargin": 14 * mm, "bottomMargin": 27 * mm}
        foot = _foot_by_reportlab(sheet)
        pages = SimpleDocTemplate(target, pagesize=A4, title=sheet.title, **margins)
        pages.build(story, onFirstPage=foot, onLaterPages=foot)
        return target.getvalue()

    return press


def _lines_by_reportlab(sheet: Sheet, text: Callable[[str], Paragraph]) -> Table:
    rows = [_heads(sheet)]
    for row in sheet.rows:
        position, description, *figures = _cells(row)
        rows.append((position, text(description), *figures))
    return Table(
        rows,
        [width * mm for width in _WIDTHS],
        repeatRows=1,
        style=[
            ("FONT", (0, 0), (-1, -1), "Inter", 9, 12),
            ("TEXTCOLOR", (0, 0), (-1, 0), colors.Color(*(part / 255 for part in _GREY))),
            ("ALIGN", (2, 0), (-1, -1), "RIGHT"),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LINEBELOW", (0, 0), (-1, -1), 0.5, colors.lightgrey),
        ],
    )


def _totals_by_reportlab(sheet: Sheet) -> Table:
    return Table(
        [(fact.label, fact.value) for fact in sheet.totals],
        [130 * mm, 42 * mm],
        style=[
            ("FONT", (0, 0), (-1, -2), "Inter", 9, 12),
            ("FONT", (0, -1), (-1, -1), "Inter-Bold", 10.5, 13),
            ("ALIGN", (0, 0), (-1, -1), "RIGHT"),
        ],
    )


def _foot_by_reportlab(sheet: Sheet) -> Callable[[Canvas, object], None]:
    def foot(canvas: Canvas, _: object) -> None:
        canvas.setFont("Inter", 7)
        lines = "\n".join(sheet.footer).split("\n")
        for number, line in enumerate(lines):
            canvas.drawString(20 * mm, (22 - 3.5 * number) * mm, line)
        canvas.drawRightString(192 * mm, 22 * mm, str(canvas.getPageNumber()))

    return foot


PRESSES = {"Chromium": chromium, "fpdf2": fpdf2, "ReportLab": reportlab}

if __name__ == "__main__":
    # Chromium works in processes of its own.
    serve(PRESSES[sys.argv[1]](), has_processes=sys.argv[1] == "Chromium")
