"""The page that needs no server but a static one, in a real browser."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from commands import call
from conftest import encode, with_exif
from PIL import Image

from classicselfie import SelfieDetector
from classicselfie.benchmark.drawing import draw_person, draw_scene

playwright = pytest.importorskip("playwright.sync_api", reason="the extra dev is not installed")
expect = playwright.expect

PORT = Path(__file__).parents[1] / "ports" / "javascript"
EXAMPLES = Path(__file__).parents[1] / "examples"
ANDROID = EXAMPLES / "android/app/src/main"
BYTES = "application/octet-stream"
# What androidx.webkit tells of files; of others it tells text/plain.
ASSET_TYPES = {
    ".html": "text/html",
    ".js": "application/javascript",
    ".json": "application/json",
    ".bin": BYTES,
}
DROP = """(zone, [name, content]) => {
  const data = new DataTransfer();
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  data.items.add(new File([bytes], name));
  const options = { bubbles: true, cancelable: true, dataTransfer: data };
  zone.dispatchEvent(new DragEvent("drop", options));
}"""
CHECK = """async (content) => {
  const { judge } = await import("./static/judge.js");
  return judge(new Blob([Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0))]));
}"""

SURVEY = """async ([contents, count]) => {
  const { judge } = await import("./static/judge.js");
  const { survey } = await import("./mutations.js");
  const bytes = (content) => Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  return survey(judge, contents.map(bytes), count);
}"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ThreadingHTTPServer]]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed (Debian: apt-get install nodejs)")
    folder = tmp_path_factory.mktemp("site")
    assert call("export", folder / "export", "--no-golden").returncode == 0
    build = [node, str(PORT / "build.js"), str(folder / "export"), str(folder / "site")]
    subprocess.run(build, check=True, timeout=60)
    shutil.copy(PORT / "test" / "mutations.js", folder / "site")
    for example, name in (EXAMPLES / "upload_form", "form"), (ANDROID / "assets/selfie", "android"):
        beside = folder / "site" / name  # examples stand beside the module and its data
        shutil.copytree(example, beside)
        shutil.copytree(PORT / "src", beside / "src")
        shutil.copytree(folder / "export", beside / "data")
    handler = partial(_Quiet, directory=str(folder / "site"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", server
        server.shutdown()


@pytest.fixture
def page(browser: Any, site: tuple[str, ThreadingHTTPServer]) -> Iterator[Any]:
    """A page of a phone's width that must end without a word on the console."""
    context = browser.new_context(viewport={"width": 360, "height": 740})
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.goto(site[0])
    yield opened
    context.close()
    assert complaints == []


def card(page: Any, name: str) -> Any:
    return page.get_by_role("article", name=name, exact=True)


def test_a_dropped_photo_is_judged_on_the_device(
    page: Any, site: tuple[str, ThreadingHTTPServer], person_jpeg: bytes
) -> None:
    asked: list[tuple[str, str]] = []
    page.on("request", lambda request: asked.append((request.method, request.url)))
    page.locator("#drop").evaluate(DROP, ["me.jpg", base64.b64encode(person_jpeg).decode()])
    answer = card(page, "me.jpg")
    expect(answer.get_by_role("heading")).to_have_text(re.compile("selfie"), timeout=60_000)
    expect(answer.locator(".facts")).to_have_text("480 × 640 · 1 face")
    expect(answer.locator(".faces .box")).to_have_count(1)
    expect(answer.locator("summary")).to_have_text(re.compile(r"Judged on this device in \d+ ms"))
    expect(answer.locator(".why > .reasons li").first).to_be_visible()
    expect(page.get_by_text("nothing of them leaves it")).to_be_visible()
    for of_the_service in ("behind this page", "API description", "HEIC"):
        expect(page.get_by_text(of_the_service)).to_be_hidden()
    expect(page.get_by_role("switch")).to_be_hidden()
    answer.focus()
    page.keyboard.press("w")
    expect(answer.locator(".said")).to_have_text(re.compile("^You say: "))
    assert page.evaluate("() => document.documentElement.scrollWidth") == 360
    # Nothing but the page's own files is asked for, and nothing is sent.
    assert {method for method, _ in asked} <= {"GET"}
    assert all(url.startswith((site[0], f"blob:{site[0]}")) for _, url in asked)


def test_it_works_without_a_network_after_the_first_load(
    browser: Any, site: tuple[str, ThreadingHTTPServer], person_path: Path
) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(site[0])
    expect(page.locator("#offline")).to_have_text("This page works offline from now on.")
    context.set_offline(True)
    page.reload()
    page.set_input_files("#photos", person_path)
    heading = card(page, person_path.name).get_by_role("heading")
    expect(heading).to_have_text(re.compile("selfie"), timeout=60_000)
    context.close()


@pytest.mark.parametrize("missing", ["Worker", "OffscreenCanvas"])
def test_a_browser_whose_workers_cannot_judge_does_it_in_the_page(
    browser: Any, site: tuple[str, ThreadingHTTPServer], person_path: Path, missing: str
) -> None:
    context = browser.new_context(service_workers="block")
    page = context.new_page()
    page.add_init_script(f"delete window.{missing}")
    page.goto(site[0])
    page.set_input_files("#photos", person_path)
    heading = card(page, person_path.name).get_by_role("heading")
    expect(heading).to_have_text(re.compile("selfie"), timeout=60_000)
    assert len(page.workers) == 0
    context.close()


def test_weights_that_could_not_be_loaded_are_asked_for_again(
    browser: Any, site: tuple[str, ThreadingHTTPServer], person_path: Path
) -> None:
    context = browser.new_context(service_workers="block")
    context.route("**/weights.json", lambda route: route.abort())
    page = context.new_page()
    page.goto(site[0])
    page.set_input_files("#photos", person_path)
    answer = card(page, person_path.name)
    expect(answer.get_by_role("heading")).to_have_text("Not judged", timeout=60_000)
    context.unroute("**/weights.json")
    answer.get_by_role("button", name=f"Try {person_path.name} again").click()
    expect(answer.get_by_role("heading")).to_have_text(re.compile("selfie"), timeout=60_000)
    context.close()


def test_the_browsers_decoder_leads_to_pythons_answers(page: Any, detector: SelfieDetector) -> None:
    pictures = {
        "small": draw_person(360, 480),
        "large": draw_person(1500, 2000, (0.45, 0.55), 0.5),
        "room": draw_scene(640, 480, seed=3),
    }
    for name, picture in pictures.items():
        photo = encode(picture, ".jpg")
        expected = json.loads(json.dumps(detector.check(photo).to_dict()))
        told = page.evaluate(CHECK, base64.b64encode(photo).decode())
        assert told.keys() == expected.keys()
        assert told["label"] == expected["label"], name
        assert told["probability"] == pytest.approx(expected["probability"], abs=0.05), name
        assert told["size"] == expected["size"]
        assert len(told["faces"]) == len(expected["faces"])


def test_a_large_jpeg_is_decoded_small_and_upright(page: Any, detector: SelfieDetector) -> None:
    """At the scales that Python takes, so that the pixels are nearly the same."""
    can_scale = page.evaluate(
        "typeof ImageDecoder !== 'undefined' && 'rotation' in VideoFrame.prototype"
    )
    picture = encode(draw_person(1200, 1600, (0.45, 0.4), 0.5), ".jpg")
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        photo = with_exif(picture, exif)
        expected = detector.check(photo)
        told = page.evaluate(CHECK, base64.b64encode(photo).decode())
        near = pytest.approx(expected.probability, abs=0.005 if can_scale else 0.05)
        assert told["probability"] == near, orientation
        assert tuple(told["size"]) == expected.size
        for ours, theirs in zip(told["faces"], expected.faces, strict=True):
            assert ours["bbox"] == pytest.approx(theirs.bbox, abs=3)


def test_a_browser_that_decodes_at_no_scale_judges_alike(
    page: Any, detector: SelfieDetector
) -> None:
    page.evaluate("delete globalThis.ImageDecoder")
    photo = encode(draw_person(1500, 2000, (0.45, 0.55), 0.5), ".jpg")
    told = page.evaluate(CHECK, base64.b64encode(photo).decode())
    assert told["probability"] == pytest.approx(detector.check(photo).probability, abs=0.05)
    assert told["size"] == [1500, 2000]


def test_broken_files_are_told_and_never_reject(page: Any, person_jpeg: bytes) -> None:
    huge = person_jpeg.replace(b"\x02\x80\x01\xe0", b"\xff\xff\xff\xff", 1)  # 640 × 480
    for photo, sentence in (
        (b"", "the file is empty"),
        (b"no picture", "not a picture in a supported format"),
        (person_jpeg[:40], "the picture is damaged"),
        (huge, "promises 65535 × 65535 pixels"),
    ):
        told = page.evaluate(CHECK, base64.b64encode(photo).decode())
        assert told["label"] == "unknown"
        assert sentence in told["reasons"][0]["sentence"]


def test_no_broken_file_makes_it_raise_or_hang(page: Any, person_jpeg: bytes) -> None:
    small = draw_person(120, 160)
    sounds = [person_jpeg, *(encode(small, kind) for kind in (".jpg", ".png", ".webp", ".bmp"))]
    found = page.evaluate(SURVEY, [[base64.b64encode(sound).decode() for sound in sounds], 200])
    assert found["wrong"] == []
    assert found["judged"] + found["unknown"] == 200
    assert min(found["judged"], found["unknown"]) > 20  # both decoders' mercy and their refusal


def test_the_android_sample_answers_its_app(
    browser: Any, site: tuple[str, ThreadingHTTPServer]
) -> None:
    source = ANDROID / "java/org/example/selfiehint/SelfieHint.kt"
    kotlin = source.read_text(encoding="utf-8")
    photos, files = re.findall(r'addPathHandler\("(/.+/)"\)?', kotlin)
    (start,) = re.findall(r'loadUrl\("https://.+?(/.+)"\)', kotlin)
    assert photos.startswith(files)  # the loader asks its handlers in their order
    drawn = {"1": encode(draw_person(), ".jpg"), "2": b"no picture", "3": b""}

    def load(route: Any) -> None:
        """Answer as `WebViewAssetLoader` would, by its types; the rest stays blocked."""
        url = urlsplit(route.request.url)
        if url.netloc != "appassets.androidplatform.net" or not url.path.startswith(files):
            refused.append(route.request.url)
            route.abort("accessdenied")
        elif (number := url.path.removeprefix(photos)) == "4":
            route.abort("failed")  # the stream broke
        elif url.path.startswith(photos):
            body = drawn.get(number)
            route.fulfill(body=body, content_type=BYTES, status=404 if body is None else 200)
        else:
            name = url.path.removeprefix(files).removeprefix("selfie/")
            kind = ASSET_TYPES.get(Path(name).suffix, "text/plain")
            answer = route.fetch(url=f"{site[0]}android/{name}")
            route.fulfill(status=answer.status, body=answer.body(), content_type=kind)

    refused: list[str] = []
    context = browser.new_context(service_workers="block")
    context.route("**", load)
    page = context.new_page()
    # Android lays this object into the page.
    page.add_init_script(
        "told = []; hint = { ready: () => told.push('ready'), tell: (...said) => told.push(said) }"
    )
    page.goto(f"https://appassets.androidplatform.net{start}")
    page.wait_for_function("told.length === 1", timeout=60_000)
    page.evaluate("Promise.all([1, 2, 3, 4, 5].map(check))")  # there is no fifth
    ready, *answers = page.evaluate("told")
    assert ready == "ready"
    unknown = [[number, "unknown"] for number in (2, 3, 4, 5)]
    assert sorted(answers) == [[1, "not_selfie"], *unknown]
    assert refused == []
    context.close()


def test_the_upload_form_warns_and_never_blocks(
    browser: Any, site: tuple[str, ThreadingHTTPServer], tmp_path: Path
) -> None:
    context = browser.new_context(service_workers="block")
    page = context.new_page()
    # The drawn person is no selfie by the strict threshold.
    weights = page.request.get(f"{site[0]}form/data/weights.json").json()
    weights["thresholds"] = {"strict": 0.3, "sensitive": 0.2}
    page.route("**/data/weights.json", lambda route: route.fulfill(json=weights))
    page.goto(f"{site[0]}form/")
    photos = {"me.jpg": draw_person(), "room.jpg": draw_scene(640, 480, seed=3)}
    for name, picture in photos.items():
        (tmp_path / name).write_bytes(encode(picture, ".jpg"))
    (tmp_path / "notes.txt").write_text("no picture")
    note = page.get_by_role("status")
    page.set_input_files("input", tmp_path / "me.jpg")
    expect(note).to_have_text(re.compile("^This looks like a selfie"), timeout=60_000)
    for name in ("room.jpg", "notes.txt"):
        page.set_input_files("input", tmp_path / name)
        expect(note).to_be_empty()
    with page.expect_request("**/upload") as sent:  # it goes on, whatever was said
        page.route("**/upload", lambda route: route.fulfill(body="kept"))
        page.get_by_role("button", name="Upload").click()
    assert sent.value.method == "POST"
    context.close()
