"""Which fonts documents are set in, and how a process comes to use those and no others.

Latin, Greek and Cyrillic are set in Inter, which comes with the installation, as Noto Emoji does;
other scripts in fonts of the operating system. The renderer sees one folder of links to exactly
these files, through a fontconfig configuration of its own: documents look the same on every machine
that has the same fonts, and looking up a glyph does not search through hundreds of files.
"""

import ctypes
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings

from invoices.rendering.legible import STAND_IN, Coverage

FAMILY = "Inter"
# The same files under a second name, with figures of one width for columns of numbers. Asked for in
# CSS (font-variant-numeric), each text would cost more and leak some memory within WeasyPrint.
FIGURES_FAMILY = "Inter Figures"
# The faces that templates/invoices/pdf uses, below settings.FONTS_DIR.
OWN_FACES = ("400Regular/Inter_400Regular.ttf", "600SemiBold/Inter_600SemiBold.ttf")
# Beside Inter's folder. Drawn in one colour: a coloured font embeds a picture for each sign.
_EMOJI = Path("noto-emoji", "400Regular", "NotoEmoji_400Regular.ttf")

_SYSTEM_FOLDERS = (
    Path("/usr/local/share/fonts"),
    Path("/usr/share/fonts"),
)
# No system folder and no rules of the system: what the links offer is all there is.
_FONTS_CONF = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir>{place}/faces</dir>
  <dir>{place}/figures</dir>
  <cachedir>{place}/cache</cachedir>
  <match target="scan">
    <test name="file" compare="contains"><string>{place}/figures/</string></test>
    <edit name="family" mode="assign_replace"><string>{figures}</string></edit>
  </match>
  <match target="font">
    <test name="family"><string>{figures}</string></test>
    <edit name="fontfeatures" mode="append"><string>tnum=1</string></edit>
  </match>
</fontconfig>
"""
# Raised when a folder of links holds something else than before.
_FORM = "3"
_HARFBUZZ_SUBSET = "libharfbuzz-subset.so.0"


class FontsMissing(Exception):
    """There is no font to print with. Pango would not say so: it crashes the process."""


@dataclass(frozen=True, slots=True)
class SystemFont:
    """One family for scripts that Inter does not cover; the first files that exist are used."""

    scripts: str
    package: str  # of Debian
    files: tuple[tuple[str, ...], ...]


def _noto(script: str) -> SystemFont:
    faces = (f"NotoSans{script}-Regular.ttf", f"NotoSans{script}-Bold.ttf")
    return SystemFont(script, "fonts-noto-core", (faces,))


# Living scripts, in any of which a person or a company may write its name, and signs that appear in
# descriptions. What none of them has prints as a stand-in (legible.py): scripts of the past, rare
# Han characters.
_SCRIPTS = (
    *("Arabic", "Armenian", "Bengali", "Devanagari", "Ethiopic", "Georgian", "Gujarati"),
    *("Gurmukhi", "Hebrew", "Kannada", "Khmer", "Lao", "Malayalam", "Myanmar", "Oriya", "Sinhala"),
    *("Tamil", "Telugu", "Thaana", "Thai"),
    *("Adlam", "Balinese", "Bamum", "Batak", "Buginese", "CanadianAboriginal", "Chakma", "Cham"),
    *("Cherokee", "HanifiRohingya", "Javanese", "KayahLi", "Lepcha", "Limbu", "Lisu"),
    *("MeeteiMayek", "Mongolian", "NKo", "NewTaiLue", "OlChiki", "Osage", "Saurashtra"),
    *("Sundanese", "SylotiNagri", "Syriac", "Tagalog", "TaiLe", "TaiTham", "TaiViet", "Tifinagh"),
    *("Vai", "Yi"),
)
SYSTEM_FONTS = (
    SystemFont(
        "Chinese, Japanese and Korean",
        "fonts-wqy-microhei",
        (("NotoSansCJK-Regular.ttc", "NotoSansCJK-Bold.ttc"), ("wqy-microhei.ttc",)),
    ),
    *map(_noto, _SCRIPTS),
    SystemFont(
        "Tibetan",
        "fonts-noto-core",
        (("NotoSerifTibetan-Regular.ttf", "NotoSerifTibetan-Bold.ttf"),),
    ),
    SystemFont(
        "Latin beyond Inter",
        "fonts-noto-core",
        (("NotoSans-Regular.ttf", "NotoSans-Bold.ttf"),),
    ),
    SystemFont(
        "Symbols", "fonts-noto-core", (("NotoSansSymbols-Regular.ttf",), ("DejaVuSans.ttf",))
    ),
    SystemFont("More symbols", "fonts-noto-core", (("NotoSansSymbols2-Regular.ttf",),)),
    SystemFont("Mathematics", "fonts-noto-core", (("NotoSansMath-Regular.ttf",),)),
)


@cache
def prepare() -> Coverage:
    """Make this process render with our fonts and no others, and say what they can print.

    Sets FONTCONFIG_FILE, which must happen before the first font configuration of the process is
    made. Raises FontsMissing when there is nothing to print with; which scripts cannot be printed
    is told by :func:`missing_fonts`.
    """
    folder = _folder_of_links(settings.VAR_DIR / "fonts", own=_own_files(), others=_other_files())
    os.environ["FONTCONFIG_FILE"] = str(folder / "fonts.conf")
    return Coverage.read(folder / "coverage")


def missing_fonts() -> list[str]:
    """What this machine lacks for documents in every script, and for speed; a sentence each.

    Empty when all is there. A render worker logs it at its start. Raises FontsMissing when Inter
    itself is not there.
    """
    _own_files()
    missing: dict[str, list[str]] = {}
    found = _system_files()
    for font in SYSTEM_FONTS:
        if not _available(font, found):
            missing.setdefault(font.package, []).append(font.scripts)
    messages = [
        f"Names in these scripts will print as {STAND_IN}: {', '.join(scripts)}. Install {package}."
        for package, scripts in missing.items()
    ]
    if not _emoji_files():
        messages.append(f"Emoji will print as {STAND_IN}: run `make setup`.")
    if not _is_loadable(_HARFBUZZ_SUBSET):
        messages.append("Rendering takes twice the time: install libharfbuzz-subset0.")
    return messages


def _own_files() -> tuple[Path, ...]:
    files = tuple(settings.FONTS_DIR / face for face in OWN_FACES)
    if absent := [str(file) for file in files if not file.is_file()]:
        raise FontsMissing(
            f"No document can be rendered: {', '.join(absent)} not found. Run `make setup`, or set "
            "FONTS_DIR to the folder of the package @expo-google-fonts/inter."
        )
    return files


def _emoji_files() -> tuple[Path, ...]:
    file = settings.FONTS_DIR.parent / _EMOJI
    return (file,) if file.is_file() else ()


def _other_files() -> tuple[Path, ...]:
    found = _system_files()
    system = (file for font in SYSTEM_FONTS for file in _available(font, found))
    return (*system, *_emoji_files())


def _system_files() -> dict[str, Path]:
    """Every file below the system's font folders by its name."""
    return {name: Path(folder, name) for folder, names in _walk() for name in names}


def _walk() -> Iterator[tuple[str, list[str]]]:
    for top in reversed(_SYSTEM_FOLDERS):
        for folder, _, names in os.walk(top):
            yield folder, names


def _available(font: SystemFont, found: dict[str, Path]) -> tuple[Path, ...]:
    """The files of the first alternative whose regular face is installed."""
    for faces in font.files:
        if faces[0] in found:
            return tuple(found[face] for face in faces if face in found)
    return ()


def _folder_of_links(parent: Path, *, own: Sequence[Path], others: Sequence[Path]) -> Path:
    """A folder with links to exactly these files, a fonts.conf that offers them, their coverage.

    Several workers may do this at once, and an upgrade changes fonts under running ones: a folder
    is named by what it links to, made aside, moved into place whole, and never changed.
    """
    links = {
        **{f"faces/{file.name}": file for file in (*own, *others)},
        **{f"figures/{file.name}": file for file in own},
    }
    identity = "\n".join(
        (_FORM, _FONTS_CONF, *(_identity(*link) for link in sorted(links.items())))
    )
    place = parent / hashlib.sha256(identity.encode()).hexdigest()[:16]
    if not place.is_dir():
        parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(dir=parent))
        for name, file in links.items():
            (aside / name).parent.mkdir(exist_ok=True)
            (aside / name).symlink_to(file.resolve())
        conf = _FONTS_CONF.format(place=place, figures=FIGURES_FAMILY)
        (aside / "fonts.conf").write_text(conf)
        Coverage.of_fonts((*own, *others)).write(aside / "coverage")
        # Another worker was quicker if this fails, and its folder is the same as ours.
        with suppress(OSError):
            aside.rename(place)
        shutil.rmtree(aside, ignore_errors=True)
    return place


def _identity(name: str, file: Path) -> str:
    status = file.stat()
    return f"{name} {file.resolve()} {status.st_size} {status.st_mtime_ns}"


def _is_loadable(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
