"""How fluid a gallery is: frame times in headless Chromium while it is scrolled and moved.

    python bench/gallery_frames.py GALLERY

Needs playwright and a Chromium of the system. Without a graphics card, as here, the processor
draws: a device with one is faster. A frame of the idle page is the yardstick.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import sync_playwright

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync")
WATCH = """
window.frames_ms = [];
window.long_tasks_ms = [];
new PerformanceObserver(list => list.getEntries().forEach(e => long_tasks_ms.push(e.duration)))
  .observe({entryTypes: ["longtask"]});
let last = performance.now();
const tick = now => { frames_ms.push(now - last); last = now; requestAnimationFrame(tick); };
requestAnimationFrame(tick);
"""


def measure(page: Any, what: str, steps: int, step: Any) -> None:
    page.evaluate("frames_ms.length = long_tasks_ms.length = 0")
    for number in range(steps):
        step(number)
        page.evaluate("new Promise(requestAnimationFrame)")
    page.wait_for_timeout(50)
    frames = np.array(page.evaluate("frames_ms"))
    tasks = page.evaluate("long_tasks_ms")
    middle, high, worst = np.percentile(frames, (50, 95, 100))
    print(
        f"{what:34} {len(frames):5} frames: median {middle:5.1f} ms, 95 % {high:5.1f} ms, "
        f"worst {worst:5.1f} ms; {len(tasks)} tasks above 50 ms"
        + (f", worst {max(tasks):.0f} ms" if tasks else "")
    )


def main(gallery: Path) -> None:
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 860})
        page.add_init_script(WATCH)
        page.goto((gallery / "index.html").resolve().as_uri())
        page.wait_for_timeout(2000)
        print(page.locator("#about").inner_text())
        loaded = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
        print(f"loaded after {loaded:.0f} ms, tasks above 50 ms: {page.evaluate('long_tasks_ms')}")
        measure(page, "idle", 120, lambda _: None)
        measure(page, "scrolling the continuum", 240, lambda _: page.mouse.wheel(0, 240))
        measure(
            page, "dragging along the strip", 60, lambda _: page.locator("#strip").press("PageDown")
        )
        measure(
            page,
            "filtering back and forth",
            20,
            lambda n: page.select_option("[name=verdict]", ("selfie", "")[n % 2]),
        )
        page.click("#tab-map")
        page.wait_for_timeout(2500)
        box = page.locator("#chart").bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        measure(
            page,
            "moving the whole map",
            120,
            lambda n: page.mouse.move(x + 100 * np.sin(n / 10), y + 60 * np.cos(n / 7)),
        )
        page.mouse.up()
        page.keyboard.press("Escape")
        measure(page, "zooming in", 60, lambda _: page.mouse.wheel(0, -30))
        page.mouse.down()
        measure(
            page,
            "moving the zoomed map",
            120,
            lambda n: page.mouse.move(x + 100 * np.sin(n / 10), y + 60 * np.cos(n / 7)),
        )
        page.mouse.up()
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
