"""Debian's Chromium, driven over its own protocol, and axe-core in it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
DESKTOP, PHONE = 1280, 390

# Every rule of WCAG 2.2 AA, and what axe advises beyond it.
_ALL_RULES: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}
_COLOURS: dict[str, Any] = {
    "resultTypes": ["violations"],
    "preload": False,
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
}
# Width, colours, rules.
_LOOKS: tuple[tuple[int, Literal["light", "dark"], dict[str, Any]], ...] = (
    (DESKTOP, "light", _ALL_RULES),
    (DESKTOP, "dark", _COLOURS),
    (PHONE, "light", _ALL_RULES),
)


def chromium() -> str | None:
    """Where the browser is; set-up installs it where it may."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def running_browser() -> Iterator[Browser]:
    path = chromium()
    assert path is not None
    # The sandbox refuses to be made by root, which containers of tests often are.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


def assert_accessible(page: Page) -> None:
    """axe finds nothing on the page as it stands: light and dark, on a desktop and on a phone.

    Only colours differ between light and dark, and only the layout between the widths.
    """
    found = violations(page)
    assert not found, f"{page.url}\n" + "\n".join(found)


def violations(page: Page) -> list[str]:
    """Every rule that an element breaks, and every width at which the page scrolls sideways."""
    _load_axe(page)
    found: list[str] = []
    for width, scheme, rules in _LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.locator(f"html[data-bs-theme={scheme}]").wait_for(state="attached")
        result = page.evaluate("rules => window.axe.run(document, rules)", rules)
        found += [
            f"{width} {scheme} {broken['id']}: {node['html'][:200]} {node['failureSummary']}"
            for broken in result["violations"]
            for node in broken["nodes"]
        ]
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            found.append(f"{width}: the page is {wide} wide and scrolls sideways")
    return found


def _load_axe(page: Page) -> None:
    """Over the protocol: as a script of the page, the content security policy would refuse it."""
    if page.evaluate("typeof window.axe === 'undefined'"):
        session = page.context.new_cdp_session(page)
        session.send("Runtime.evaluate", {"expression": AXE.read_text()})
        session.detach()
