"""The page, in a real browser: photos are dropped, pasted and chosen, and verdicts read."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest
from conftest import encode

pytest.importorskip("fastapi", reason="the extra serve is not installed")
playwright = pytest.importorskip("playwright.sync_api", reason="the extra dev is not installed")

from serving import Service, serving

from classicselfie.benchmark.drawing import draw_person, draw_scene
from classicselfie.training.manifest import read_manifest

DROP = """(zone, photos) => {
  const data = new DataTransfer();
  for (const [name, content] of photos) {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    data.items.add(new File([bytes], name));
  }
  const event = new KIND;
  zone.dispatchEvent(event);
}"""
DROPPED = 'DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: data })'
PASTED = 'ClipboardEvent("paste", { bubbles: true, clipboardData: data })'

expect = playwright.expect


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    # The drawn person is called a selfie from here on.
    options = ("--workers", 1, "--threshold", 0.3, "--max-bytes", 8_000_000)
    with serving(*options) as running:
        yield running


@pytest.fixture
def page(browser: Any, service: Service) -> Iterator[Any]:
    """A page that must end without a word on the console, and that asks nobody else."""
    context = browser.new_context(viewport={"width": 1000, "height": 800})
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    asked: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(service.url)
    yield opened
    context.close()
    unexpected = [text for text in complaints if "503 (Service Unavailable)" not in text]
    assert unexpected == []
    assert [url for url in asked if not url.startswith((service.url, "blob:"))] == []


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory, person_jpeg: bytes) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("page")
    contents = {
        "me.jpg": person_jpeg,
        "far.png": encode(draw_person(800, 600, (0.6, 0.4), 0.15), ".png"),
        "room.jpg": encode(draw_scene(640, 480, seed=3), ".jpg"),
        "notes.txt": b"no picture",
        "large.jpg": bytes(8_000_001),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {path.name: path for path in folder.iterdir()}


def give(page: Any, how: str, *paths: Path) -> None:
    pairs = [[path.name, base64.b64encode(path.read_bytes()).decode()] for path in paths]
    page.locator("#drop").evaluate(DROP.replace("KIND", how), pairs)


def card(page: Any, name: str) -> Any:
    return page.get_by_role("article", name=name, exact=True)


def test_a_dropped_photo_is_judged_and_explained(page: Any, photos: dict[str, Path]) -> None:
    give(page, DROPPED, photos["me.jpg"])
    answer = card(page, "me.jpg")
    expect(answer.get_by_role("heading")).to_have_text("Looks like a selfie")
    expect(answer.locator(".sentence")).to_have_text(
        re.compile(r"Looks like a selfie \(\d+ %(, from 30 % on it is called one)?\),? .+\.")
    )
    expect(answer.get_by_role("img", name="Selfie score")).to_be_visible()
    expect(answer.locator(".legend")).to_have_text(
        re.compile(r"Selfie score \d+ %; called a selfie from 30 % on")
    )
    expect(answer.locator(".facts")).to_have_text("480 × 640 · 1 face")
    expect(answer.locator("summary").last).to_have_text(
        re.compile("Judged from its pixels in .* ms")
    )
    bars = answer.locator(".why > .reasons li")
    expect(bars.last).to_contain_text("the picture's general look speaks ")
    assert bars.count() > 1
    for bar in bars.all():
        value = bar.locator(".value").inner_text()
        assert ("for a selfie" in value) == value.startswith("+")
        assert bar.locator("i.plus" if value.startswith("+") else "i.minus").bounding_box()["width"]
    # The answer is read out where it cannot be seen.
    expect(page.get_by_role("status")).to_contain_text("me.jpg: Looks like a selfie (")


def test_the_box_lies_over_the_face(page: Any, photos: dict[str, Path]) -> None:
    page.set_input_files("#photos", photos["me.jpg"])
    answer = card(page, "me.jpg")
    box = answer.locator(".faces .box").bounding_box()
    image = answer.locator("img").bounding_box()
    middle = (box["x"] + box["width"] / 2 - image["x"]) / image["width"]
    assert middle == pytest.approx(0.5, abs=0.05)  # the person is drawn in the middle
    assert box["height"] / image["height"] == pytest.approx(0.43, abs=0.06)


def test_several_photos_each_get_a_verdict(page: Any, photos: dict[str, Path]) -> None:
    names = ["me.jpg", "far.png", "room.jpg", "notes.txt", "large.jpg"]
    page.set_input_files("#photos", [photos[name] for name in names])
    titles = [
        "Looks like a selfie",
        "Does not look like a selfie",
        "No face was found",
        "Cannot be judged",
        "Not judged",
    ]
    for name, title in zip(names, titles, strict=True):
        expect(card(page, name).get_by_role("heading")).to_have_text(title)
    expect(card(page, "notes.txt")).to_contain_text("This browser cannot show the file.")
    expect(card(page, "large.jpg")).to_contain_text(
        "The file has 7.6 MB; this service takes 7.6 MB"
    )
    expect(page.locator("#summary")).to_have_text("5 photos, 1 looks like a selfie")


def test_a_pasted_photo_is_judged(page: Any, photos: dict[str, Path]) -> None:
    give(page, PASTED, photos["room.jpg"])
    expect(card(page, "room.jpg").get_by_role("heading")).to_have_text("No face was found")


def test_a_heic_that_the_browser_cannot_show_is_judged(
    page: Any, photos: dict[str, Path], tmp_path: Path
) -> None:
    heif = pytest.importorskip("pillow_heif", reason="the extra heic is not installed")
    from PIL import Image

    with Image.open(photos["me.jpg"]) as image:
        heif.from_pillow(image).save(tmp_path / "phone.heic")
    page.set_input_files("#photos", tmp_path / "phone.heic")
    answer = card(page, "phone.heic")
    expect(answer.get_by_role("heading")).to_have_text("Looks like a selfie")
    expect(answer.locator(".no-picture")).to_be_visible()
    expect(answer.locator(".faces .box")).to_have_count(1)


def test_the_keyboard_is_enough(page: Any, photos: dict[str, Path]) -> None:
    def focused() -> str:
        return str(
            page.evaluate("() => document.activeElement.id || document.activeElement.className")
        )

    page.keyboard.press("Tab")
    assert focused() == "photos"
    outline = "() => getComputedStyle(document.querySelector('.choose')).outlineStyle"
    assert page.evaluate(outline) == "solid"
    with page.expect_file_chooser() as chooser:
        page.evaluate("0")  # by then the browser knows that the dialog is ours
        page.keyboard.press("Enter")
    chooser.value.set_files([photos["me.jpg"], photos["far.png"]])
    expect(page.locator(".waiting")).to_have_count(0)
    expect(card(page, "far.png").get_by_role("heading")).to_be_visible()
    page.keyboard.press("Tab")
    assert focused() == "on-device"
    page.keyboard.press("Tab")
    assert focused() == "clear"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # opens the timing
    expect(card(page, "me.jpg").locator("dd").first).to_be_visible()
    for answer in ("wrong", "right"):
        page.keyboard.press("Tab")
        assert focused() == answer
    page.keyboard.press("Tab")
    assert focused() == "remove"
    page.keyboard.press("Enter")
    expect(card(page, "me.jpg")).to_have_count(0)
    expect(card(page, "far.png")).to_be_focused()


def test_a_wrong_answer_is_told_by_keyboard_alone_and_kept(
    page: Any, photos: dict[str, Path], tmp_path: Path
) -> None:
    """The page knows names alone; the CSV lies beside the photos to find them."""
    names = ["me.jpg", "far.png", "room.jpg", "notes.txt", "large.jpg"]
    page.set_input_files("#photos", [photos[name] for name in names])
    expect(page.locator(".waiting")).to_have_count(0)
    expect(page.locator("#answers")).to_be_hidden()
    card(page, "me.jpg").focus()
    page.keyboard.press("w")
    expect(card(page, "me.jpg").locator(".said")).to_have_text("You say: no selfie.")
    expect(page.get_by_role("status")).to_contain_text("me.jpg: you say no selfie")
    card(page, "far.png").focus()
    page.keyboard.press("r")
    right = card(page, "far.png").get_by_role("button", name="Right")
    expect(right).to_have_attribute("aria-pressed", "true")
    card(page, "room.jpg").get_by_role("button", name="Wrong, it is a selfie").click()
    card(page, "notes.txt").get_by_role("button", name="It is a selfie").click()
    card(page, "notes.txt").get_by_role("button", name="It is no selfie").click()
    card(page, "notes.txt").get_by_role("button", name="Take it back").click()
    card(page, "large.jpg").focus()
    page.keyboard.press("w")  # it was not judged: there is nothing to correct
    expect(page.locator("#answers-count")).to_have_text("You answered 3.")

    page.reload()
    expect(page.locator("#answers-count")).to_have_text("You answered 3.")
    page.set_input_files("#photos", photos["me.jpg"])
    expect(card(page, "me.jpg").locator(".said")).to_have_text("You say: no selfie.")
    page.locator("#download").focus()
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    beside = photos["me.jpg"].with_name("corrections.csv")
    download.value.save_as(beside)
    assert {row.path: row.label for row in read_manifest(beside)} == {
        photos["me.jpg"]: "other",
        photos["far.png"]: "other",
        photos["room.jpg"]: "selfie",
    }
    beside.unlink()
    page.get_by_role("button", name="Forget them").click()
    expect(page.locator("#answers")).to_be_hidden()
    expect(card(page, "me.jpg").locator(".said")).to_be_hidden()
    page.reload()
    expect(page.locator("#answers")).to_be_hidden()


def test_on_this_device_nothing_is_sent(page: Any, photos: dict[str, Path]) -> None:
    posts: list[str] = []
    page.on("request", lambda sent: sent.method == "POST" and posts.append(sent.url))
    page.set_input_files("#photos", photos["me.jpg"])
    by_service = card(page, "me.jpg")
    expect(by_service.locator("summary")).to_have_text(re.compile("^Judged from its pixels in "))
    words = by_service.locator(".sentence").inner_text()
    assert len(posts) == 1
    page.get_by_role("button", name="Remove all").click()

    page.get_by_role("switch", name="Judge on this device").check()
    expect(page.get_by_text("nothing of them leaves it")).to_be_visible()
    expect(page.get_by_text("judged by the service")).to_be_hidden()
    for name in ("me.jpg", "room.jpg", "notes.txt", "large.jpg"):
        page.set_input_files("#photos", photos[name])
        expect(page.locator(".waiting")).to_have_count(0, timeout=60_000)
    here = card(page, "me.jpg")
    expect(here.locator("summary")).to_have_text(re.compile("^Judged on this device in "))
    # By the service's own weights and threshold; decoders differ by a per cent at most.
    assert re.sub(r"\d+ %", "", here.locator(".sentence").inner_text()) == re.sub(
        r"\d+ %", "", words
    )
    expect(here.locator(".legend")).to_have_text(re.compile("called a selfie from 30 % on"))
    expect(card(page, "room.jpg").get_by_role("heading")).to_have_text("No face was found")
    for name in ("notes.txt", "large.jpg"):
        expect(card(page, name).get_by_role("heading")).to_have_text("Cannot be judged")
    here.focus()
    page.keyboard.press("w")
    expect(here.locator(".said")).to_have_text("You say: no selfie.")

    page.reload()  # it is remembered
    expect(page.get_by_role("switch")).to_be_checked()
    page.set_input_files("#photos", photos["me.jpg"])
    expect(here.get_by_role("heading")).to_have_text("Looks like a selfie", timeout=60_000)
    expect(here.locator(".said")).to_have_text("You say: no selfie.")
    assert len(posts) == 1
    page.get_by_role("switch").uncheck()
    page.set_input_files("#photos", photos["far.png"])
    expect(card(page, "far.png").locator("summary")).to_have_text(re.compile("^Judged from "))
    assert len(posts) == 2


def test_who_wants_nothing_sent_is_believed_where_the_page_cannot_judge(
    browser: Any, photos: dict[str, Path]
) -> None:
    context = browser.new_context()
    page = context.new_page()
    posts: list[str] = []
    page.on("request", lambda sent: sent.method == "POST" and posts.append(sent.url))
    with serving("--workers", 1, "--detector", "haar") as service:  # the port has YuNet alone
        page.goto(service.url)
        expect(page.locator("#model")).to_contain_text("Judged by classicselfie-haar-")
        expect(page.get_by_role("switch")).to_be_hidden()
        page.evaluate("() => localStorage.setItem('classicselfie on device', 'yes')")
        page.reload()
        expect(page.get_by_role("switch")).to_be_checked()
        page.set_input_files("#photos", photos["me.jpg"])
        answer = card(page, "me.jpg")
        expect(answer).to_contain_text("What judges on this device could not be loaded")
        assert posts == []
        page.get_by_role("switch").uncheck()
        answer.get_by_role("button", name="Try me.jpg again").click()
        expect(answer.locator("summary")).to_have_text(re.compile("^Judged from "))
        assert len(posts) == 1
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(page: Any, photos: dict[str, Path], scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 320, "height": 640})
    page.set_input_files("#photos", [photos["me.jpg"], photos["notes.txt"]])
    expect(page.locator(".waiting")).to_have_count(0)
    width = page.evaluate("() => document.documentElement.scrollWidth")
    assert width == 320
    ground = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    light = sum(map(int, re.findall(r"\d+", ground))) > 3 * 128
    assert light == (scheme == "light")


def test_nothing_moves_for_who_wants_that(page: Any) -> None:
    page.emulate_media(reduced_motion="reduce")
    style = "() => getComputedStyle(document.querySelector('.drop')).transitionDuration"
    assert page.evaluate(style) in ("0s", "")


def test_a_name_is_text_and_never_markup(page: Any, photos: dict[str, Path]) -> None:
    pair = ["<b>bold</b>.jpg", base64.b64encode(photos["me.jpg"].read_bytes()).decode()]
    page.locator("#drop").evaluate(DROP.replace("KIND", DROPPED), [pair])
    expect(card(page, "<b>bold</b>.jpg").locator(".name")).to_have_text("<b>bold</b>.jpg")
    expect(page.locator("b")).to_have_count(0)


def test_a_busy_service_is_asked_again(browser: Any, tmp_path: Path) -> None:
    """More photos than there is room for, and all are judged in the end."""
    path = tmp_path / "slow.png"
    path.write_bytes(encode(cv2.resize(draw_person(), (3000, 4000)), ".png"))
    options = ("--workers", 1, "--queue", 1, "--max-parts", 1, "--threshold", 0.3)
    with serving(*options) as service:
        pages = [browser.new_page() for _ in range(3)]
        for opened in pages:
            opened.goto(service.url)
        for opened in pages:
            opened.set_input_files("#photos", [path] * 2)
        for opened in pages:
            expect(opened.locator("article.selfie")).to_have_count(2, timeout=60_000)
            opened.close()
        assert service.metrics()['classicselfie_requests_total{status="503"}'] > 0


def test_a_service_that_is_gone_is_told_and_may_come_back(
    browser: Any, photos: dict[str, Path]
) -> None:
    page = browser.new_page()
    with serving("--workers", 1) as service:
        page.goto(service.url)
        expect(page.locator("#model")).to_contain_text("Judged by classicselfie-yunet-")
        service.end()
        page.set_input_files("#photos", photos["me.jpg"])
        answer = card(page, "me.jpg")
        expect(answer).to_contain_text("The service cannot be reached.")
        expect(answer.get_by_role("button", name="Try me.jpg again")).to_be_visible()
    page.close()
