"""Takes the pictures in docs/pictures/documents: printed documents of different kinds.

``make pictures`` runs it. The samples are those of ``tests/invoices/sample_documents.py``; nothing
else of the installation is read.
"""

import os
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

# Documents are made without a database and sign nothing; settings want the variables all the same.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("SECRET_KEY", "of pictures, signs nothing")
os.environ.setdefault("TOKEN_KEY", "of pictures, signs nothing")
os.environ.setdefault("TWO_FACTOR_KEY", "of pictures, encrypts nothing")

django.setup()

import pypdfium2  # noqa: E402 - after the set-up
from django.conf import settings  # noqa: E402
from django.test.utils import override_settings  # noqa: E402
from PIL import Image, ImageDraw, ImageFont  # noqa: E402

from invoices.rendering.pdf import render_pdf  # noqa: E402
from tests.invoices.sample_documents import LOGO, sample_documents  # noqa: E402

PICTURES = ROOT / "docs" / "pictures" / "documents"
DOTS_PER_INCH = 100
POINTS_PER_INCH = 72
# How many pages are shown of one that has more.
MOST_PAGES = 2
COLOURS_KEPT = 64


def main() -> int:
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, override_settings(LOGOS_DIR=Path(folder)):
        draw_logo(Path(folder, LOGO))
        for name, document in sample_documents().items():
            take(name, render_pdf(document))
    return 0


def draw_logo(file: Path) -> None:
    """What the sample's seller would have beside its name."""
    face = Path(settings.FONTS_DIR, "600SemiBold", "Inter_600SemiBold.ttf")
    picture = Image.new("RGB", (760, 160), "white")
    pen = ImageDraw.Draw(picture)
    pen.polygon([(0, 150), (75, 10), (150, 150)], fill="#0b5d57")
    pen.polygon([(95, 150), (155, 45), (215, 150)], fill="#4fb3a8")
    pen.text((245, 30), "Northwind", fill="#0b5d57", font=ImageFont.truetype(face, 96))
    picture.save(file)


def take(name: str, pdf: bytes) -> None:
    """The first pages of ``pdf``; further ones carry their number."""
    with closing(pypdfium2.PdfDocument(pdf)) as document:
        for number in range(min(len(document), MOST_PAGES)):
            page = document[number].render(scale=DOTS_PER_INCH / POINTS_PER_INCH).to_pil()
            suffix = f"-{number + 1}" if len(document) > 1 else ""
            file = PICTURES / f"{name}{suffix}.png"
            page.convert("RGB").quantize(colors=COLOURS_KEPT).save(file, optimize=True)
    print(f"pictures: {name}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
