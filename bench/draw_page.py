"""Take the README's picture of the service's page, with a drawn sample on it.

python bench/draw_page.py docs/pictures/page.png

Needs the extras `serve` and `dev`, and a Chromium.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

from generated import ROOT
from PIL import Image
from playwright.sync_api import sync_playwright

SAMPLE = "docs/pictures/drawn_friends.jpg"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main(target: Path) -> None:
    command = [sys.executable, "-m", "classicselfie", "serve", "--port", "0", "--workers", "1"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as service:
        assert service.stderr is not None
        try:
            address = re.search(r"http://\S+", service.stderr.readline())
            assert address is not None, "the service did not start"
            photograph(address[0], target)
        finally:
            service.terminate()


def photograph(address: str, target: Path) -> None:
    """Give the sample to the page and wait for its verdict."""
    browser_path = next(filter(None, map(shutil.which, BROWSERS)))
    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = browser.new_page(
            viewport={"width": 1000, "height": 700}, color_scheme="light", reduced_motion="reduce"
        )
        page.goto(address)
        page.set_input_files("#photos", ROOT / SAMPLE)
        page.locator(".card .why").wait_for()
        # How long it took on whatever machine this is says nothing to the reader.
        page.locator("details.timing").evaluate_all("found => found.forEach((one) => one.remove())")
        picture = page.screenshot(full_page=True)
        browser.close()
    # 256 colours are enough for it, and a third of the bytes.
    Image.open(io.BytesIO(picture)).convert("RGB").quantize().save(target, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
