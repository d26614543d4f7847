"""The gallery's views as PNGs, for people who want a picture to send: as a browser shows them."""

from __future__ import annotations

import shutil
from pathlib import Path

from classicselfie.errors import GalleryError, MissingExtraError

_PICTURES = {  # what stands behind the # in the page's address
    "continuum": "view=continuum",
    "sheets": "view=sheets",
    "quality": "view=sheets&order=quality",
    "map": "view=map",
    "clusters": "view=clusters",
}
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
_WIDTH, _HEIGHT = 1440, 1160  # of the page; the map fills it, sheets and clusters may be longer
_SHARPNESS = 1.5  # the picture's pixels by the page's; no small copy of a photo holds more


def find_browser() -> str:
    """Find the browser that can draw the page: Playwright's own Chromium, or the system's.

    Returns
    -------
    str
        Its path.

    Raises
    ------
    MissingExtraError
        If the extra "png" is not installed.
    GalleryError
        If there is no such browser.
    """
    MissingExtraError.unless_installed("png")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as tools:
        own = tools.chromium.executable_path
    for name in (own, *_BROWSERS):
        if (path := shutil.which(name)) is not None:
            return path
    raise GalleryError(
        "no browser is here to draw the PNGs; install Chromium, or run: "
        "python -m playwright install chromium"
    )


def write_pngs(gallery: Path, folder: Path, browser: str) -> None:
    """Write `continuum.png`, `sheets.png`, `quality.png`, `map.png` and `clusters.png`.

    Parameters
    ----------
    gallery : Path
        A whole gallery.
    folder : Path
        Made here. There is no `quality.png` where no photo has a quality score.
    browser : str
        Of `find_browser`.

    Raises
    ------
    GalleryError
        If the browser fails.
    """
    from playwright.sync_api import Error, sync_playwright

    folder.mkdir()
    address = (gallery / "index.html").resolve().as_uri()
    try:
        with sync_playwright() as tools:
            chromium = tools.chromium.launch(executable_path=browser)
            sharp = chromium.new_context(
                viewport={"width": _WIDTH, "height": _HEIGHT}, device_scale_factor=_SHARPNESS
            )
            for name, asked in _PICTURES.items():
                page = sharp.new_page()
                page.emulate_media(media="print")  # without what only hands need
                page.goto(f"{address}#{asked}", wait_until="networkidle")
                page.wait_for_selector("main:not(:has([aria-busy]))")
                if name == "quality" and page.locator("[name=order]").is_disabled():
                    continue  # no photo has a score
                # Of the continuum the page holds what is in sight.
                shown = page if name == "continuum" else page.locator("body")
                shown.screenshot(path=folder / f"{name}.png")
            chromium.close()
    except Error as error:
        raise GalleryError(f"the PNGs cannot be drawn: {error.message.splitlines()[0]}") from error
