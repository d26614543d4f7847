"""The gallery: built by the real command, opened from disk in a real browser."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from commands import call
from conftest import encode, require_chromium
from PIL import Image

from classicselfie import SelfieDetector
from classicselfie.benchmark.drawing import draw_head, draw_person, draw_scene
from classicselfie.extras import install_command
from classicselfie.training.manifest import read_manifest

for package in ("joblib", "sklearn", "tqdm"):
    pytest.importorskip(package, reason="the extra explore is not installed")

HOSTILE = "<img src=x onerror=alert(1)>'\" &amp; #1?%41.jpg"
NEAR, FAR, ROOMS = 14, 13, 12


COMMAND = [sys.executable, "-m", "classicselfie", "explore"]


def explore(*arguments: object) -> subprocess.CompletedProcess[str]:
    return call("explore", *arguments)


def read_data(gallery: Path) -> dict[str, Any]:
    text = (gallery / "data.js").read_text(encoding="ascii")
    data: dict[str, Any] = json.loads(text.removeprefix("window.gallery = ").rstrip(";\n"))
    return data


def with_date(jpeg: bytes, date: str, path: Path, lens: str = "") -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = date
    if lens:
        exif[0x010F] = "Apple"
        exif.get_ifd(0x8769)[0xA434] = lens
    path.write_bytes(jpeg)
    with Image.open(path) as image:
        image.save(path, "JPEG", quality=95, exif=exif)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Near and far people, groups, empty rooms, and files that are no photos."""
    folder = tmp_path_factory.mktemp("photos")
    (folder / "deeper").mkdir()
    rng = np.random.default_rng(0)
    for index in range(NEAR):
        place = (float(rng.uniform(0.4, 0.6)), float(rng.uniform(0.45, 0.6)))
        image = draw_person(420 + 10 * index, 560, place, 0.38 + 0.006 * index)
        name = HOSTILE if index == 0 else f"near {index}.jpg"
        lens = "iPhone X front TrueDepth camera 2.87mm f/2.2" if index == 1 else ""
        with_date(encode(image, ".jpg"), f"2024:0{1 + index % 9}:11 10:00:00", folder / name, lens)
    for index in range(FAR):
        image = draw_scene(640, 480, seed=index)
        for x in (0.3, 0.6)[: 1 + index % 2]:
            draw_head(image, (x * 640, 200), 60 + 3 * index)
        (folder / "deeper" / f"far {index}.jpg").write_bytes(encode(image, ".jpg"))
    for index in range(ROOMS):
        (folder / f"room {index}.png").write_bytes(encode(draw_scene(400, 300, index + 50), ".png"))
    (folder / "torn.jpg").write_bytes(b"")
    (folder / "notes.txt").write_text("not a picture's name")
    (folder / ".hidden.jpg").write_bytes(encode(draw_person(), ".jpg"))
    return folder


@pytest.fixture(scope="module")
def gallery(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("out") / "gallery"
    command = [*COMMAND, photos, "-o", output, "--threshold", "0.1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    assert f"{NEAR + FAR + ROOMS} photos" in done.stdout
    # No terminal, no progress: only what was left out.
    assert done.stderr.splitlines() == [f"left out {photos / 'torn.jpg'}: the file is empty"]
    return output


# --- what is built -------------------------------------------------------------------------


def test_photos_are_ordered_by_the_decision_value(gallery: Path, photos: Path) -> None:
    data = read_data(gallery)
    names = [photo["name"] for photo in data["photos"]]
    assert len(names) == NEAR + FAR + ROOMS
    assert HOSTILE in names
    assert "deeper/far 3.jpg" in names
    probabilities = [photo["probability"] for photo in data["photos"]]
    assert probabilities == sorted(probabilities, reverse=True)
    assert all(name.startswith(("near", "<img")) for name in names[:5])
    assert not any(name.startswith("near") for name in names[-12:])
    detector = SelfieDetector(threshold=0.1)
    for photo in data["photos"][::9]:
        verdict = detector.check(photos / photo["name"])
        assert (photo["pile"], photo["summary"]) == (verdict.pile, verdict.summary)
        assert photo["probability"] == pytest.approx(verdict.probability, abs=1e-4)
        assert photo["faces"] == len(verdict.faces)
        assert photo["top"] == (verdict.supporting if verdict.faces else verdict.reasons)[0].signal
        told = [data["sentences"][number] for number, _ in photo["reasons"]]
        assert told == [reason.sentence for reason in verdict.reasons]


def test_dates_cameras_and_unreadable_files_are_told(gallery: Path) -> None:
    data = read_data(gallery)
    by_name = {photo["name"]: photo for photo in data["photos"]}
    assert by_name["near 1.jpg"]["taken"] == "2024-02-11 10:00:00"
    assert by_name["near 1.jpg"]["front"] is True
    assert by_name["near 2.jpg"]["front"] is None
    assert by_name["room 1.png"]["taken"] is None
    assert data["unreadable"] == [["torn.jpg", "the file is empty"]]


def test_every_photo_lies_on_its_sprite_sheets(gallery: Path, photos: Path) -> None:
    data = read_data(gallery)
    for key, folder in (("tile", "tiles"), ("mapTile", "map")):
        size, side = data[key]["size"], data[key]["side"]
        for place in range(0, len(data["photos"]), 7):
            photo = data["photos"][place]
            sheet = cv2.imread(str(gallery / folder / f"{place // side**2}.jpg"))
            at = place % side**2
            x, y = size * (at % side), size * (at // side)
            w, h = (round(length * size / data["tile"]["size"]) for length in photo["tile"])
            original = cv2.imdecode(
                np.frombuffer((photos / photo["name"]).read_bytes(), np.uint8), cv2.IMREAD_COLOR
            )
            small = cv2.resize(original, (w, h), interpolation=cv2.INTER_AREA)
            difference = np.abs(sheet[y : y + h, x : x + w].astype(int) - small).mean()
            assert difference < 6


def test_the_map_and_the_clusters_know_who_is_alike(gallery: Path) -> None:
    data = read_data(gallery)
    kinds = np.array(["room" in photo["name"] for photo in data["photos"]])
    points = np.array([(photo["x"], photo["y"]) for photo in data["photos"]])
    assert points.min() >= 0
    assert (points.max(axis=0) <= [data["map"]["width"], data["map"]["height"]]).all()
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert np.mean(kinds[distances.argmin(axis=1)] == kinds) > 0.9
    # A tile's room: hardly any photo hides another.
    assert np.median(distances.min(axis=1)) >= 0.99 * data["map"]["spacing"]
    assert sum(cluster["photos"] for cluster in data["clusters"]) == len(kinds)
    for number, cluster in enumerate(data["clusters"]):
        members = cluster["typical"] + cluster["odd"]
        assert len(set(members)) == len(members)
        assert all(data["photos"][place]["cluster"] == number for place in members)
        share = np.mean(kinds[members])
        assert share in (0, 1), cluster
        assert ("no face in sight" in cluster["about"]) == bool(share)


def test_a_second_run_gives_the_same_gallery(gallery: Path, photos: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    done = explore(photos, "-o", again, "--threshold", "0.1", "--jobs", 1)
    assert done.returncode == 0, done.stderr
    for path in sorted(gallery.rglob("*.jpg")):
        assert path.read_bytes() == (again / path.relative_to(gallery)).read_bytes()
    first, second = read_data(gallery), read_data(again)
    for photo in (*first["photos"], *second["photos"]):
        del photo["url"]  # seen from another folder
    assert first == second


@pytest.fixture(scope="module")
def pngs(gallery: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The gallery's views as pictures; in a process of its own, for Playwright wants a thread."""
    require_chromium()
    folder = tmp_path_factory.mktemp("png") / "png"
    code = (
        "import sys; from pathlib import Path; from classicselfie.explore import png; "
        "png.write_pngs(Path(sys.argv[1]), Path(sys.argv[2]), png.find_browser())"
    )
    subprocess.run([sys.executable, "-c", code, gallery, folder], check=True, timeout=300)
    return folder


def test_every_view_is_drawn_as_a_png(pngs: Path) -> None:
    pictures = {}
    for path in pngs.iterdir():
        with Image.open(path) as picture:
            assert picture.width == 2160
            pictures[path.stem] = np.asarray(picture.convert("RGB"))
    assert set(pictures) == {"continuum", "sheets", "quality", "map", "clusters"}
    for name, pixels in pictures.items():
        assert len(np.unique(pixels[::8, ::8].reshape(-1, 3), axis=0)) > 500, name
    frames = (pictures["map"] == (0, 0x72, 0xB2)).all(axis=2)
    assert frames.sum() > 500  # of what looks like a selfie
    assert not np.array_equal(pictures["quality"], pictures["sheets"])


def test_the_png_of_the_sheets_shows_the_ranking(pngs: Path, gallery: Path) -> None:
    sheets = cv2.imread(str(pngs / "sheets.png"))
    data = read_data(gallery)
    size, side = data["tile"]["size"], data["tile"]["side"]
    found = {}
    for place in (0, len(data["photos"]) - 1):
        tiles = cv2.imread(str(gallery / "tiles" / f"{place // side**2}.jpg"))
        top, left = (size * part for part in divmod(place % side**2, side))
        width, height = data["photos"][place]["tile"]
        tile = tiles[top : top + height, left : left + width]
        # Twelve in a row of 116 of the page's pixels each; the mark is on the lower part.
        tile = cv2.resize(tile, None, fx=1.5 * 116 / size, fy=1.5 * 116 / size)[:-60]
        likeness = cv2.matchTemplate(sheets, tile, cv2.TM_CCOEFF_NORMED)
        _, best, _, found[place] = cv2.minMaxLoc(likeness)
        assert best > 0.8
    (first_x, first_y), (last_x, last_y) = found.values()
    assert first_x == pytest.approx(last_x, abs=60)  # each leads its row
    assert last_y > first_y + 300


def test_pngs_are_part_of_the_gallery_on_demand(person_path: Path, tmp_path: Path) -> None:
    require_chromium()
    command = [*COMMAND, person_path.parent, "-o", tmp_path / "gallery", "--png", "--jobs=1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name for path in (tmp_path / "gallery" / "png").iterdir()} == {
        "continuum.png",
        "sheets.png",
        "quality.png",
        "map.png",
        "clusters.png",
    }
    # It is a gallery as any other, and may be replaced.
    done = explore(person_path.parent, "-o", tmp_path / "gallery", "--jobs", 1, "--force")
    assert done.returncode == 0
    assert not (tmp_path / "gallery" / "png").exists()


def test_pngs_without_a_browser_are_refused_before_the_work(
    person_path: Path, tmp_path: Path
) -> None:
    pytest.importorskip("playwright", reason="the extra png is not installed")
    command = [*COMMAND, person_path.parent, "-o", tmp_path / "gallery", "--png"]
    nowhere = {"PATH": str(tmp_path), "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path)}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | nowhere, timeout=300
    )
    assert done.returncode == 2
    assert done.stderr == (
        "classicselfie: no browser is here to draw the PNGs; install Chromium, or run: "
        "python -m playwright install chromium\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_few_photos_and_copies_of_one_are_enough(count: int, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(count):
        (folder / f"{index}.jpg").write_bytes(encode(draw_person(), ".jpg"))
    done = explore(folder, "-o", tmp_path / "gallery", "--jobs", 1)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert len(read_data(tmp_path / "gallery")["photos"]) == count


# --- nothing lost, nothing half ------------------------------------------------------------


def test_a_gallery_is_replaced_and_anything_else_refused(tmp_path: Path, person_path: Path) -> None:
    photos, output = tmp_path / "photos", tmp_path / "photos" / "gallery"
    photos.mkdir()
    shutil.copy(person_path, photos / "a.jpg")
    assert explore(photos, "-o", output, "--jobs", 1).returncode == 0
    shutil.copy(person_path, photos / "b.jpg")
    done = explore(photos, "-o", output, "--jobs", 1)
    assert done.returncode == 2
    assert "exists already" in done.stderr
    assert [photo["name"] for photo in read_data(output)["photos"]] == ["a.jpg"]
    done = explore(photos, "-o", output, "--jobs", 1, "--force")
    assert done.returncode == 0
    # The gallery's own pictures, inside the folder, are not taken for photos.
    assert [photo["name"] for photo in read_data(output)["photos"]] == ["a.jpg", "b.jpg"]
    assert sorted(path.name for path in photos.iterdir()) == ["a.jpg", "b.jpg", "gallery"]

    (output / "my notes.txt").write_text("mine")
    file = tmp_path / "file"
    file.write_text("mine")
    lookalike = tmp_path / "lookalike"
    lookalike.mkdir()
    (lookalike / "index.html").write_text("mine")
    for wrong in (output, photos, file, lookalike, tmp_path / "no" / "folder"):
        before = sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*"))
        done = explore(photos, "-o", wrong, "--jobs", 1, "--force")
        assert done.returncode == 2
        assert done.stdout == ""
        assert re.fullmatch(r"classicselfie: .*\n", done.stderr)
        assert before == sorted((path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*"))


def test_no_photos_no_gallery(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "torn.jpg").write_bytes(b"no photo")
    for folder in (tmp_path / "photos", tmp_path / "missing"):
        done = explore(folder, "-o", tmp_path / "gallery", "--jobs", 1)
        assert done.returncode == 2
        assert done.stderr.splitlines()[-1].startswith("classicselfie: there is no ")
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_an_interrupted_build_leaves_the_old_gallery(gallery: Path, tmp_path: Path) -> None:
    photos, output = tmp_path / "photos", tmp_path / "gallery"
    photos.mkdir()
    for index in range(400):
        (photos / f"{index}.jpg").write_bytes(encode(draw_scene(320, 240, index), ".jpg"))
    shutil.copytree(gallery, output)
    before = {path: path.read_bytes() for path in output.rglob("*.js")}
    command = [*COMMAND, photos, "-o", output, "--jobs=1", "--force"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    while process.poll() is None and not list(tmp_path.glob(".gallery-*")):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert before == {path: path.read_bytes() for path in output.rglob("*.js")}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gallery", "photos"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminal")
def test_somebody_who_watches_sees_progress(person_path: Path, tmp_path: Path) -> None:
    import fcntl
    import pty
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    command = [*COMMAND, person_path.parent, "-o", tmp_path / "gallery", "--jobs=1"]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=theirs, check=True)
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert "1/1" in shown
    assert "placing 1 photos on the map" in shown


@pytest.mark.parametrize(("package", "extra"), [("sklearn", "explore"), ("playwright", "png")])
def test_a_missing_extra_is_one_line(package: str, extra: str, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        f"sys.modules[{package!r}] = None\n"
        "from classicselfie.cli import main\n"
        f"sys.exit(main(['explore', {str(tmp_path)!r}, '-o', {str(tmp_path / 'g')!r}, '--png']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        f"classicselfie: {package} is not installed; run: {install_command(extra)}\n"
    )


# --- in a browser --------------------------------------------------------------------------


@pytest.fixture
def page(browser: Any, gallery: Path) -> Iterator[Any]:
    """The gallery in a page of its own; it must stay free of errors and of the network."""
    yield from opened(browser, gallery)


@pytest.fixture
def phone(browser: Any, gallery: Path) -> Iterator[Any]:
    options = {"viewport": {"width": 360, "height": 640}, "has_touch": True, "is_mobile": True}
    yield from opened(browser, gallery, color_scheme="dark", **options)


def opened(browser: Any, gallery: Path, **options: Any) -> Iterator[Any]:
    page = browser.new_page(**options)
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    page.on("request", lambda r: wrong.append(r.url) if not r.url.startswith("file://") else None)
    page.goto((gallery / "index.html").as_uri())
    yield page
    page.close()
    assert wrong == []


def until(condition: Callable[[], object]) -> None:
    """Wait for what the page does on its own; its policy allows no watcher inside."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def tiles(page: Any, view: str = "continuum") -> list[str]:
    """Names of the photos in a view, in order, as a screen reader tells them."""
    labels = page.locator(f"#{view} .tile").evaluate_all(
        "tiles => tiles.map(t => [Number(t.dataset.place), t.getAttribute('aria-label')])"
    )
    return [label.split(": ")[0] for _, label in sorted(labels)]


def test_the_continuum_goes_from_most_to_least(page: Any, gallery: Path) -> None:
    names = [photo["name"].split(": ")[0] for photo in read_data(gallery)["photos"]]
    assert page.locator("#count").inner_text() == "39 photos"
    shown = tiles(page)
    assert shown == names[: len(shown)]
    page.locator("#strip").press("End")
    assert tiles(page)[-1] == names[-1]
    assert page.locator("#strip").get_attribute("aria-valuenow") == "39"


def test_photos_can_be_ordered_by_how_well_they_are_taken(page: Any, gallery: Path) -> None:
    photos = read_data(gallery)["photos"]
    rated = [photo for photo in photos if photo["quality"] is not None]
    assert len(rated) >= NEAR
    assert all(photo["faces"] for photo in rated)
    page.select_option("[name=order]", "quality")
    best = max(photo["quality"] for photo in rated)
    marks = page.locator("#grid .tile").evaluate_all("tiles => tiles.map(t => t.dataset.mark)")
    assert marks[0].endswith(f" {best:.1f}")
    points = [float(mark.split()[1]) for mark in marks]
    assert page.locator("#count").inner_text() == f"{len(rated)} of 39 photos"
    assert points == sorted(points, reverse=True)
    assert page.locator("#first").inner_text() == "best photographed"
    page.locator("#grid .tile").first.click()
    assert f"{best:.1f} of 10" in page.locator("dialog").inner_text()


def test_filters_leave_what_was_asked_for(page: Any, gallery: Path) -> None:
    photos = read_data(gallery)["photos"]

    def count() -> int:
        return int(re.match(r"\d+", page.locator("#count").inner_text())[0])

    selfies = [photo["name"] for photo in photos if photo["pile"] == "selfie"]
    assert 5 < len(selfies) < 30
    page.select_option("[name=verdict]", "selfie")
    assert tiles(page) == [name.split(": ")[0] for name in selfies]
    page.select_option("[name=verdict]", "")
    for faces in ("0", "1", "2"):
        page.select_option("[name=faces]", faces)
        assert count() == sum(photo["faces"] == int(faces) for photo in photos)
    page.click("[type=reset]")
    until(lambda: page.locator("#count").inner_text() == "39 photos")
    page.select_option("[name=front]", "true")
    assert tiles(page) == ["near 1.jpg"]
    page.click("[type=reset]")
    page.fill("[name=from]", "2024-02-11")
    page.fill("[name=until]", "2024-03-31")
    taken = [photo["taken"] or "" for photo in photos]
    assert count() == sum("2024-02-11" <= day[:10] <= "2024-03-31" for day in taken) > 0
    page.click("[type=reset]")
    top = photos[0]["top"]
    page.select_option("[name=top]", top)
    assert count() == sum(photo["top"] == top for photo in photos)
    page.select_option("[name=faces]", "3")
    assert page.locator("#none").is_visible()


def test_a_photo_opens_with_its_reasons_and_its_file(page: Any, gallery: Path) -> None:
    data = read_data(gallery)
    place = next(i for i, photo in enumerate(data["photos"]) if photo["name"] == HOSTILE)
    photo = data["photos"][place]
    page.locator(f"#grid [data-place='{place}']").click()
    dialog = page.locator("dialog")
    assert HOSTILE in dialog.inner_text()  # shown, never run
    assert page.locator("#photo-verdict").inner_text().startswith("Looks like a selfie, ")
    assert page.locator("#photo-summary").inner_text() == photo["summary"]
    for sentence, _ in photo["reasons"]:
        assert data["sentences"][sentence] in dialog.inner_text()
    page.locator("dialog img").wait_for()
    # The original, not the small copy: the link finds even this name.
    assert page.evaluate("document.querySelector('dialog img').naturalHeight") == 560
    page.keyboard.press("ArrowRight")
    assert data["photos"][place + 1]["name"] in dialog.inner_text()
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    until(lambda: page.evaluate("document.activeElement.dataset.place") == str(place + 1))


def test_any_file_name_opens_and_a_photo_that_has_gone_is_told_kindly(
    browser: Any, person_path: Path, tmp_path: Path
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    shutil.copy(person_path, photos / "gone.jpg")
    odd = os.fsencode(photos) + b"/caf\xe9.jpg"
    try:
        shutil.copy(person_path, odd)
    except (OSError, UnicodeError):
        pytest.skip("this file system takes no such name")
    assert explore(photos, "-o", tmp_path / "gallery", "--jobs", 1).returncode == 0
    (photos / "gone.jpg").unlink()
    page = browser.new_page()
    page.goto((tmp_path / "gallery" / "index.html").as_uri())
    page.click("[aria-label^='caf']")
    page.locator("dialog img").wait_for()
    assert "caf\\xe9.jpg" in page.locator("dialog").inner_text()
    page.keyboard.press("Escape")
    page.click("[aria-label^='gone']")
    until(lambda: "no longer" in page.locator("#photo-note").inner_text())
    assert page.locator("dialog .thumb").is_visible()
    page.close()


def test_the_grid_works_by_keyboard_alone(page: Any, gallery: Path) -> None:
    photos = read_data(gallery)["photos"]

    def focused() -> int:
        return int(page.evaluate("document.activeElement.dataset.place"))

    page.locator("#tab-continuum").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#sheets").is_visible()
    page.keyboard.press("ArrowLeft")
    page.locator("#strip").focus()
    page.keyboard.press("Tab")  # one stop for all photos
    assert focused() == 0
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(outline) == "solid"
    page.keyboard.press("ArrowRight")
    assert focused() == 1
    page.keyboard.press("ArrowDown")
    columns = focused() - 1
    assert columns >= 3
    page.keyboard.press("End")
    assert focused() == len(photos) - 1
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    assert page.locator("dialog").is_visible()


def test_sheets_and_clusters_show_their_photos(page: Any, gallery: Path) -> None:
    data = read_data(gallery)
    page.click("#tab-sheets")
    headings = page.locator("#sheets h2").all_inner_texts()
    assert headings == ["The 20 most selfie-like", "The 19 least selfie-like"]
    assert page.locator("#sheets .tile").count() == 39
    page.click("#tab-clusters")
    assert page.locator(".cluster").count() == len(data["clusters"])
    for index, cluster in enumerate(data["clusters"]):
        section = page.locator(".cluster").nth(index)
        assert cluster["about"] in section.inner_text()
        assert section.locator(".typical .tile").count() == len(cluster["typical"])
        assert section.locator(".odd .tile").count() == len(cluster["odd"])
    page.locator(".cluster").first.get_by_text("Show all of them").click()
    assert page.locator("#count").inner_text() == f"{data['clusters'][0]['photos']} of 39 photos"
    assert page.locator("#grid").is_visible()


def chart_state(page: Any) -> tuple[float, list[float]]:
    chart = page.locator("#chart")
    zoom = float(chart.get_attribute("data-zoom") or 1)
    return zoom, [float(v) for v in (chart.get_attribute("data-middle") or "0.5 0.5").split()]


def painted(page: Any) -> bytes:
    """Picture the map, without the buttons on it, once it has come to rest.

    Its photos are decoded as they can be, and a button that was pressed is drawn a shade otherwise.
    """
    shown, calm = b"", 0
    while calm < 3:
        page.wait_for_timeout(100)
        before, shown = shown, page.locator("#chart").screenshot(mask=[page.locator(".zoom")])
        calm = calm + 1 if shown == before else 0
    return shown


def test_the_map_zooms_and_moves_by_mouse_and_by_keyboard(page: Any) -> None:
    page.click("#tab-map")
    whole = painted(page)
    box = page.locator("#chart").bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.mouse.wheel(0, -400)
    until(lambda: chart_state(page)[0] > 1.5)
    zoom, middle = chart_state(page)
    assert middle[0] < 0.5  # towards the pointer
    near = painted(page)
    assert near != whole
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 200, steps=4)
    page.mouse.up()
    assert chart_state(page)[1][0] < middle[0]
    assert chart_state(page)[0] == zoom
    assert not page.locator("dialog").is_visible()  # dragging is no click
    page.click("#zoom-all")
    page.mouse.move(0, 0)
    assert chart_state(page) == (1, [0.5, 0.5])
    assert painted(page) == whole
    page.locator("#chart").focus()
    page.keyboard.press("+")
    page.keyboard.press("ArrowRight")
    zoom, middle = chart_state(page)
    assert zoom > 1
    assert middle[0] > 0.5
    assert "In the middle: " in page.locator("#map-place").inner_text()
    name = page.locator("#map-place").inner_text().removeprefix("In the middle: ").split(", ")[0]
    page.keyboard.press("Enter")
    assert name in page.locator("dialog").inner_text()


def test_the_map_opens_the_photo_that_was_clicked_and_dims_the_filtered(
    page: Any, gallery: Path
) -> None:
    data = read_data(gallery)
    page.click("#tab-map")
    before = painted(page)
    box = page.locator("#chart").bounding_box()
    width, height = data["map"]["width"], data["map"]["height"]
    unit = min((box["width"] - 48) / width, (box["height"] - 48) / height)
    for photo in (data["photos"][0], data["photos"][-1]):
        x = box["x"] + box["width"] / 2 + (photo["x"] - width / 2) * unit
        y = box["y"] + box["height"] / 2 + (photo["y"] - height / 2) * unit
        page.mouse.click(x, y)
        assert photo["name"] in page.locator("dialog").inner_text()
        page.keyboard.press("Escape")
    page.mouse.move(0, 0)
    page.select_option("[name=verdict]", "selfie")
    assert painted(page) != before


def test_a_wrong_answer_is_told_by_keyboard_alone_and_kept(
    browser: Any, gallery: Path, photos: Path, tmp_path: Path
) -> None:
    """W says "wrong", R "right"; the CSV is a manifest, and the photos are found."""
    data = read_data(gallery)
    assert {photo["pile"] for photo in data["photos"]} == {"selfie", "not_selfie"}
    last = len(data["photos"]) - 1
    context = browser.new_context(accept_downloads=True)
    page = context.new_page()
    page.goto((gallery / "index.html").as_uri())
    assert not page.locator("#answers").is_visible()
    page.locator("#strip").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("w")  # the most selfie-like photo is none
    tile = page.locator("#grid [data-place='0']")
    assert tile.get_attribute("data-mark") == "✎ no selfie"
    assert str(tile.get_attribute("aria-label")).endswith("; you say: no selfie")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("w")
    page.keyboard.press("w")  # on second thoughts
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    page.keyboard.press("w")
    assert page.locator("#photo-said").inner_text() == "You say: a selfie."
    assert page.locator("#photo-wrong").inner_text() == "Take it back w"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("r")
    assert page.locator("#photo-right").get_attribute("aria-pressed") == "true"
    page.keyboard.press("Escape")
    assert page.locator("#answers-count").inner_text() == "You answered 3"
    said = page.locator("#answers [role=status]").text_content()
    assert said.startswith(f"{data['photos'][last - 1]['name']}: no selfie. ")

    page.reload()  # the browser has kept them
    assert page.locator("#answers-count").inner_text() == "You answered 3"
    page.select_option("[name=verdict]", "answered")
    assert len(tiles(page)) == 3
    page.locator("#download").focus()
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    manifest = tmp_path / "anywhere.csv"
    download.value.save_as(manifest)
    context.close()
    rows = read_manifest(manifest)
    assert {row.path.resolve(): row.label for row in rows} == {
        (photos / data["photos"][0]["name"]).resolve(): "other",
        (photos / data["photos"][last - 1]["name"]).resolve(): "other",
        (photos / data["photos"][last]["name"]).resolve(): "selfie",
    }
    assert all(row.path.is_file() for row in rows)


def test_what_may_be_a_selfie_is_answered_by_a_click(
    browser: Any, gallery: Path, tmp_path: Path
) -> None:
    unsure = tmp_path / "unsure"
    shutil.copytree(gallery, unsure)
    data = read_data(gallery)
    data["photos"][0]["pile"] = "maybe"
    (unsure / "data.js").write_text(f"window.gallery = {json.dumps(data)};")
    page = browser.new_page(viewport={"width": 360, "height": 640})
    page.goto((unsure / "index.html").as_uri())
    page.click("#grid [data-place='0']")
    wrong = page.locator("#photo-wrong")
    assert not page.locator("#photo-right").is_visible()  # right in which way?
    said = []
    for _ in range(3):
        said.append(wrong.locator("span").inner_text())
        wrong.click()
    assert said == ["It is a selfie", "It is no selfie", "Take it back"]
    assert page.locator("#photo-said").inner_text() == ""
    wrong.click()
    assert page.evaluate("document.querySelector('dialog').scrollWidth") <= 352
    page.keyboard.press("Escape")
    assert page.locator("#answers-count").inner_text() == "You answered 1"
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.close()


def test_a_photo_whose_name_is_no_text_is_corrected_as_any_other(
    browser: Any, tmp_path: Path
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    scene = encode(draw_scene(320, 240), ".jpg")
    odd = os.fsencode(photos) + b"/caf\xe9.jpg"
    try:
        Path(os.fsdecode(odd)).write_bytes(scene)
    except (OSError, UnicodeError):
        pytest.skip("this file system takes no such name")
    (photos / 'say "=1+1", please.jpg').write_bytes(scene)
    assert explore(photos, "-o", tmp_path / "gallery", "--jobs", 1).returncode == 0
    page = browser.new_page()
    page.goto((tmp_path / "gallery" / "index.html").as_uri())
    page.click("[aria-label^='caf']")
    page.keyboard.press("w")
    page.keyboard.press(
        "ArrowRight" if page.locator("#photo-previous").is_disabled() else "ArrowLeft"
    )
    page.keyboard.press("r")
    page.keyboard.press("Escape")
    with page.expect_download() as download:
        page.click("#download")
    download.value.save_as(tmp_path / "said.csv")
    page.close()
    rows = read_manifest(tmp_path / "said.csv")
    assert sorted(os.fsencode(row.path) for row in rows) == [
        odd,
        os.fsencode(photos / 'say "=1+1", please.jpg'),
    ]
    table = tmp_path / "r.jsonl"
    done = call("scan", photos, "--to", table, "--corrections", tmp_path / "said.csv")
    assert "kept what people said of 2\n" in done.stderr


def test_a_phone_in_the_dark_fits(phone: Any) -> None:
    for view in ("continuum", "sheets", "map", "clusters"):
        phone.click(f"#tab-{view}")
        assert phone.evaluate("document.documentElement.scrollWidth") <= 360, view
    background = "getComputedStyle(document.body).backgroundColor"
    assert phone.evaluate(background) == "rgb(22, 24, 27)"
    phone.click("#tab-map")
    zoom = chart_state(phone)[0]
    box = phone.locator("#chart").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    cdp = phone.context.new_cdp_session(phone)

    def touch(kind: str, *xs: float) -> None:
        points = [{"x": x + dx, "y": y, "id": i} for i, dx in enumerate(xs)]
        cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", -20, 20)
    for spread in (30, 50, 80):
        touch("touchMove", -spread, spread)
    touch("touchEnd")
    until(lambda: chart_state(phone)[0] > 1.5)
    assert chart_state(phone)[0] > zoom
    phone.click("#tab-continuum")
    phone.tap(".tile >> nth=0")
    assert phone.locator("dialog").is_visible()
    assert phone.evaluate("document.querySelector('dialog').scrollWidth") <= 352


def test_only_what_is_in_sight_is_on_the_page(browser: Any, tmp_path: Path, gallery: Path) -> None:
    """6,000 photos: the grid holds a screenful, wherever it is."""
    large = tmp_path / "large"
    shutil.copytree(gallery, large)
    data = read_data(gallery)
    first = data["photos"][0]
    data["photos"] = [first | {"name": f"photo {n}"} for n in range(6000)]
    (large / "data.js").write_text(f"window.gallery = {json.dumps(data)};")
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto((large / "index.html").as_uri())
    assert page.locator("#count").inner_text() == "6,000 photos"
    for key in ("Home", "PageUp", "End"):
        page.locator("#strip").press(key)
        page.wait_for_timeout(100)
        assert 10 < page.locator("#grid .tile").count() < 150
    assert tiles(page)[-1] == "photo 5999"
    page.close()
