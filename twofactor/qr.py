"""A QR code as something that a page can draw without any style or script."""

from dataclasses import dataclass

from qrcode.constants import ERROR_CORRECT_L
from qrcode.main import QRCode

# Modules of white around it, by which cameras find it (ISO/IEC 18004, 9.1).
_QUIET_ZONE = 4


@dataclass(frozen=True, slots=True)
class Picture:
    """A square of ``size`` units; ``path`` is the SVG path of what is dark."""

    size: int
    path: str


def picture_of(text: str) -> Picture:
    # On a screen nothing of it is lost: the fewer modules, the larger each.
    code: QRCode = QRCode(error_correction=ERROR_CORRECT_L, border=_QUIET_ZONE)
    code.add_data(text)
    code.make()
    rows = code.get_matrix()
    dark = (
        f"M{start} {top}h{end - start}v1h{start - end}z"
        for top, row in enumerate(rows)
        for start, end in _runs(row)
    )
    return Picture(size=len(rows), path="".join(dark))


def _runs(row: list[bool]) -> list[tuple[int, int]]:
    """From where to where dark modules lie side by side."""
    edges = [
        place
        for place, (before, here) in enumerate(zip([False, *row], [*row, False], strict=True))
        if before != here
    ]
    return list(zip(edges[::2], edges[1::2], strict=True))
