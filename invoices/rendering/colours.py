"""The seller's colour, made fit for print: what is written in it can be read, in grey as well."""

import colorsys
from functools import lru_cache

# WCAG 2.2, 1.4.3: text on its ground.
_LEAST_CONTRAST = 4.5
_STEP = 0.02


@lru_cache(maxsize=64)
def readable(colour: str) -> str:
    """``colour`` ("#rrggbb"), or the nearest darker tone of it that can be read on white."""
    red, green, blue = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    hue, lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
    while _contrast_to_white(red, green, blue) < _LEAST_CONTRAST:
        lightness -= _STEP
        red, green, blue = colorsys.hls_to_rgb(hue, max(lightness, 0), saturation)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def contrast_to_white(colour: str) -> float:
    """From 1 (white) to 21 (black), by WCAG's relative luminance."""
    return _contrast_to_white(*(int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)))


def _contrast_to_white(red: float, green: float, blue: float) -> float:
    luminance = 0.2126 * _linear(red) + 0.7152 * _linear(green) + 0.0722 * _linear(blue)
    return 1.05 / (luminance + 0.05)


def _linear(channel: float) -> float:
    if channel <= 0.04045:
        return channel / 12.92
    result: float = ((channel + 0.055) / 1.055) ** 2.4
    return result
