"""How near the JavaScript port comes to Python from the photos' files, through Chromium's decoder.

    python bench/port_browser.py ../shared/data/manifest.csv --photos 300 --mutated 10000

Every fifth photo is enlarged and turned as well. Needs Node and Chromium. Then times 12-megapixel
photos as they are and with Chromium's own throttling of the processor, six-fold: from the page's
load to a verdict, and further verdicts, in turns with Python's of the same file on one thread.
Last it breaks drawn files in many ways and judges them: nothing may be thrown, nothing may hang.
"""

from __future__ import annotations

import argparse
import base64
import io
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import cv2
import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from classicselfie import SelfieDetector
from classicselfie.benchmark.drawing import draw_person, draw_scene
from classicselfie.benchmark.pictures import add_grain, sensor_noise
from classicselfie.export.command import export
from classicselfie.training.manifest import read_manifest

BUILD = Path(__file__).parents[1] / "ports" / "javascript" / "build.js"
LOAD = """async () => {
  const started = performance.now();
  const { SelfieDetector } = await import("./static/port/src/index.js");
  globalThis.detector = await SelfieDetector.load(new URL("static/port/data/", location.href));
  const loaded = performance.now();
  globalThis.detector.warmUp();
  return [loaded - started, performance.now() - loaded];
}"""
SURVEY = """async ([contents, count]) => {
  const { survey } = await import("./mutations.js");
  const bytes = (content) => Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  return survey((file) => globalThis.detector.check(file), contents.map(bytes), count);
}"""
CHECK = """async (content) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const started = performance.now();
  const verdict = await globalThis.detector.check(new Blob([bytes]));
  const ms = performance.now() - started;
  return { ...verdict, ms, heap_mb: performance.memory.usedJSHeapSize / 1e6 };
}"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def compare(page: Any, detector: SelfieDetector, title: str, photos: Iterable[bytes]) -> None:
    same, sizes, away = 0, 0, []
    for data in photos:
        told = page.evaluate(CHECK, base64.b64encode(data).decode())
        verdict = detector.check(data)
        same += told["label"] == verdict.label
        sizes += tuple(told["size"]) == verdict.size
        away.append(abs(told["probability"] - verdict.probability))
    near = np.mean(np.array(away) <= 0.05)
    print(f"{len(away)} {title}: {same} same labels, {sizes} same sizes, {near:.1%} within 0.05")
    middle, most = np.quantile(away, (0.5, 0.97))
    print(f"probability: median {middle:.2g}, 97 % {most:.2g}, largest {max(away):.2g}")


def enlarged(path: Path, place: int) -> bytes:
    """Make a large JPEG of a photo, of another size, orientation and chroma in every place."""
    with Image.open(path) as image:
        ratio = (1.3, 1.7, 2.3, 3.1, 4.7, 7.9, 11.3)[place % 7]
        large = image.convert("RGB").resize((int(image.width * ratio), int(image.height * ratio)))
    exif = Image.Exif()
    exif[0x0112] = 1 + place % 8
    back = (None, 0, 3, 1, 5, 2, 6, 4)[place % 8]  # so that it is upright when it is turned
    stored = large if back is None else large.transpose(Image.Transpose(back))
    out = io.BytesIO()
    stored.save(out, "JPEG", quality=88, exif=exif, subsampling=place % 3)
    return out.getvalue()


def time(page: Any, detector: SelfieDetector, rate: int) -> None:
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": rate})
    person, room = draw_person(3000, 4000, (0.45, 0.55), 0.4), draw_scene(3000, 4000, seed=3)
    for large in (person, room):
        add_grain(large, sensor_noise(3000))  # files of a phone's size, which take time to decode
    small = draw_person(270, 360, (0.45, 0.55), 0.4)
    photos = {
        "a person, 12 megapixels": encoded(person, ".jpg"),
        "a room, 12 megapixels": encoded(room, ".jpg"),
        "a person, 0.1 megapixels": encoded(small, ".jpg"),
    }
    page.reload()  # so that nothing is compiled yet
    load, warm = page.evaluate(LOAD)
    for title, data in photos.items():
        content, ours, theirs = base64.b64encode(data).decode(), [], []
        for _ in range(10):  # in turns, for other programs use the machine as well
            ours.append(page.evaluate(CHECK, content))
            start = perf_counter()
            timings = detector.check(data).timings_ms
            theirs.append({"timings_ms": timings, "ms": 1000 * (perf_counter() - start)})
        stages = {
            stage: [
                median(run["timings_ms"].get(stage, 0.0) for run in runs[2:])
                for runs in (ours, theirs)
            ]
            for stage in ("decode", "faces", "skin", "features")
        }
        whole = [median(run["ms"] for run in runs[2:]) for runs in (ours, theirs)]
        print(
            f"throttled × {rate}, {title}: loads in {load:.0f} ms, warms up in {warm:.0f}, "
            f"first verdict {ours[0]['ms']:.0f}, later {whole[0]:.0f}: "
            f"× {whole[0] / whole[1]:.1f} of Python's"
        )
        rest = (f"{stage} {a:.0f} (× {a / b:.1f})" for stage, (a, b) in stages.items())
        print(f"  {', '.join(rest)}; JavaScript's heap {ours[-1]['heap_mb']:.0f} MB")


def mutate(page: Any, count: int) -> None:
    small = draw_person(120, 160)
    kinds = (".jpg", ".png", ".webp", ".bmp")
    sounds = [encoded(small, kind) for kind in kinds] + [encoded(draw_person(), ".jpg")]
    contents = [base64.b64encode(sound).decode() for sound in sounds]
    found = page.evaluate(SURVEY, [contents, count])
    print(f"{count} broken files: {found['judged']} judged, {found['unknown']} unknown")
    print(f"wrong: {found['wrong']}; slowest {found['slowest_ms']:.0f} ms")


def encoded(image: Any, kind: str) -> bytes:
    return cv2.imencode(kind, image)[1].tobytes()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--photos", type=int, default=300)
    parser.add_argument("--mutated", type=int, default=200)
    parser.add_argument("--split", default="train")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    print(f"OpenCV {cv2.__version__}")
    rows = [row for row in read_manifest(arguments.manifest) if row.split == arguments.split]
    chosen = [rows[i] for i in np.linspace(0, len(rows) - 1, arguments.photos).astype(int)]
    with tempfile.TemporaryDirectory() as name, sync_playwright() as tools:
        export(Path(name) / "export", {})
        build = ["node", str(BUILD), f"{name}/export", f"{name}/site"]
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
        shutil.copy(BUILD.parent / "test" / "mutations.js", f"{name}/site")
        handler = partial(_Quiet, directory=f"{name}/site")
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            browser = tools.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{server.server_port}/")
            page.evaluate(LOAD)
            detector = SelfieDetector()
            compare(page, detector, "photos", (row.path.read_bytes() for row in chosen))
            large = (enlarged(row.path, place) for place, row in enumerate(chosen[::5]))
            compare(page, detector, "enlarged and turned", large)
            for rate in (1, 6):
                time(page, detector, rate)
            page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 1})
            mutate(page, arguments.mutated)
            browser.close()
            server.shutdown()


if __name__ == "__main__":
    main()
