"""Picture a gallery's page for docs/explore.md, as it looks on a screen.

python bench/draw_gallery.py "drawn people"
classicselfie explore "drawn people" -o gallery
python bench/gallery_pictures.py gallery docs/pictures
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from classicselfie.explore.png import find_browser


def main(gallery: Path, folder: Path) -> None:
    address = (gallery / "index.html").resolve().as_uri()
    browser = find_browser()
    with sync_playwright() as tools:
        chromium = tools.chromium.launch(executable_path=browser)
        for view in ("continuum", "sheets", "map", "clusters"):
            page = chromium.new_page(viewport={"width": 1000, "height": 640})
            page.goto(f"{address}#view={view}", wait_until="networkidle")
            page.wait_for_selector(f"#{view}:not(:has([aria-busy]))")
            picture(page, folder / f"explore_{view}.png")
        page = chromium.new_page(viewport={"width": 1000, "height": 640}, color_scheme="dark")
        page.goto(address, wait_until="networkidle")
        page.locator(".tile").first.click()
        page.locator("dialog img").wait_for()
        picture(page, folder / "explore_photo.png")
        chromium.close()


def picture(page: Page, path: Path) -> None:
    with Image.open(io.BytesIO(page.screenshot())) as shown:
        shown.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
