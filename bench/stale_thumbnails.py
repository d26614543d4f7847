"""What the check of embedded thumbnails against the pixels costs, catches and refuses in vain.

    python -m pip install -e '.[dev]'
    python bench/stale_thumbnails.py ../shared/data/manifest.csv

Real photos are enlarged to 12 megapixels with a sensor's noise. Their thumbnails are then made
as cameras make them, in many ways, and as they are left behind by other pictures and by edits.
"""

from __future__ import annotations

import argparse
import io
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from PIL import Image
from thumbnails import THUMBNAIL_SIDE, as_phone, enlarge

from classicselfie import SelfieDetector
from classicselfie.benchmark.measure import in_turns, timed
from classicselfie.images import BgrImage
from classicselfie.photo import find_borders, load_photo
from classicselfie.photo.agreement import COLUMNS, ROWS, agrees
from classicselfie.photo.strips import Strip, read_strips
from classicselfie.photo.thumbnail import MIN_THUMBNAIL
from classicselfie.training.manifest import read_manifest

PHOTOS = 100
IGNORE_TURN = cv2.IMREAD_IGNORE_ORIENTATION
TIMED = 20
ROUNDS = 7


def shrunk(image: BgrImage, side: int = THUMBNAIL_SIDE, how: int = cv2.INTER_AREA) -> BgrImage:
    height, width = image.shape[:2]
    scale = side / max(height, width)
    return cv2.resize(image, (round(width * scale), round(height * scale)), interpolation=how)


def coded(image: BgrImage, quality: int = 75) -> BgrImage:
    """Through a JPEG and back."""
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 1)


def toned(image: BgrImage, gain: float = 1.0, gamma: float = 1.0) -> BgrImage:
    value = (np.linspace(0, 1, 256) ** gamma - 0.5) * gain + 0.5
    return cv2.LUT(image, np.clip(value * 255, 0, 255).astype(np.uint8))


def grey(image: BgrImage) -> BgrImage:
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)


def part(image: BgrImage, cut: float, across: float = 0.5, down: float = 0.5) -> BgrImage:
    """Crop to the same shape; `cut` is the share of each side that is lost."""
    height, width = image.shape[:2]
    h, w = round(height * (1 - cut)), round(width * (1 - cut))
    y, x = round((height - h) * down), round((width - w) * across)
    return image[y : y + h, x : x + w]


def pasted(small: BgrImage, other: BgrImage, box: tuple[float, float, float, float]) -> BgrImage:
    """Put another picture into a box of shares: left, top, right, bottom."""
    height, width = small.shape[:2]
    left, top, right, bottom = (
        round(share * side) for share, side in zip(box, (width, height) * 2, strict=True)
    )
    out = small.copy()
    out[top:bottom, left:right] = cv2.resize(other, (right - left, bottom - top))
    return out


def honest(image: BgrImage) -> Iterator[tuple[str, BgrImage]]:
    """Thumbnails of this very picture."""
    small = shrunk(image)
    soft = cv2.GaussianBlur(small, (0, 0), 1.0)
    yield "areas averaged, quality 75", coded(small)
    yield "quality 30", coded(small, 30)
    yield "320 px", coded(shrunk(image, 320))
    yield "nearest pixels", coded(shrunk(image, how=cv2.INTER_NEAREST))
    yield "bilinear", coded(shrunk(image, how=cv2.INTER_LINEAR))
    yield "Lanczos", coded(shrunk(image, how=cv2.INTER_LANCZOS4))
    yield "sharpened", coded(cv2.addWeighted(small, 2.5, soft, -1.5, 0))
    yield "soft", coded(soft)
    yield "brighter (gamma 0.6)", coded(toned(small, gamma=0.6))
    yield "darker (gamma 1.6)", coded(toned(small, gamma=1.6))
    yield "contrast × 1.5, clipped", coded(toned(small, gain=1.5))
    yield "warmer", coded(cv2.convertScaleAbs(small * np.array([0.8, 1.0, 1.2])))
    yield "half the colour", coded(cv2.addWeighted(small, 0.5, grey(small), 0.5, 0))
    yield "1 px aside", coded(shrunk(np.roll(image, image.shape[1] // THUMBNAIL_SIDE, 1)))
    yield "1 % cut", coded(shrunk(part(image, 0.01)))
    yield "2 % cut", coded(shrunk(part(image, 0.02)))


def stale(image: BgrImage, others: Sequence[BgrImage]) -> Iterator[tuple[str, BgrImage]]:
    """Thumbnails of another picture, or of another state of this one."""
    small = shrunk(image)
    size = small.shape[1::-1]
    for other in others:
        yield "another photo", coded(cv2.resize(other, size, interpolation=cv2.INTER_AREA))
    for cut in (0.1, 0.2, 0.3, 0.5):
        yield f"{cut:.0%} of each side cropped since", coded(shrunk(part(image, cut)))
    yield "30 %, at the left and the top", coded(shrunk(part(image, 0.3, 1.0, 1.0)))
    yield "30 %, at the right and the bottom", coded(shrunk(part(image, 0.3, 0.0, 0.0)))
    yield "mirrored", coded(cv2.flip(small, 1))
    yield "upside down", coded(cv2.flip(small, -1))
    yield "a negative", coded(255 - small)
    yield "the whole middle replaced", coded(pasted(small, others[0], (0.25, 0.25, 0.75, 0.75)))
    yield "lower half replaced", coded(pasted(small, others[0], (0, 0.5, 1, 1)))
    yield "upper third replaced", coded(pasted(small, others[0], (0, 0, 1, 0.33)))
    yield "left half replaced", coded(pasted(small, others[0], (0, 0, 0.5, 1)))
    yield "lowest fifth replaced", coded(pasted(small, others[0], (0, 0.8, 1, 1)))
    yield "small part replaced", coded(pasted(small, others[0], (0.4, 0.3, 0.6, 0.45)))
    yield "blurred beyond recognition", coded(cv2.GaussianBlur(small, (0, 0), 6.0))
    yield "made grey", coded(grey(small))


def cameras(folder: Path) -> Iterator[tuple[BgrImage, BgrImage]]:
    """Pictures of real cameras beside their thumbnails, where both have one shape and no bars."""
    for path in sorted(folder.glob("*.jpg")):
        data = path.read_bytes()
        start = data.find(b"\xff\xd8\xff", 2)  # the first one within is the thumbnail
        pixels, small = (
            cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR | IGNORE_TURN)
            for jpeg in (data, data[start:] or b"\0")
        )
        if start < 0 or pixels is None or small is None or any(find_borders(small)):
            continue
        aspect = small.shape[1] / small.shape[0] * pixels.shape[0] / pixels.shape[1]
        if max(small.shape) >= MIN_THUMBNAIL and abs(aspect - 1) < 0.01:
            yield pixels, small


def strips_of(image: BgrImage) -> list[Strip]:
    """Decode what the check looks at in a 12-megapixel file."""
    jpeg = as_phone(image, thumbnail=False, noise=True)
    return list(read_strips(io.BytesIO(jpeg), COLUMNS, ROWS))


def decode_small(data: bytes) -> None:
    """Decode at 1/8 scale, as the library does, and nothing else."""
    image = Image.open(io.BytesIO(data))
    image.draft(None, (320, 240))
    image.load()


def costs(images: Sequence[BgrImage]) -> None:
    """Tell what the check takes beside what it saves, as medians of ratios."""
    detector = SelfieDetector()
    ratios: dict[str, list[float]] = defaultdict(list)
    for image in images:
        phone, plain = (as_phone(image, thumbnail=each, noise=True) for each in (True, False))
        small = cv2.cvtColor(shrunk(image), cv2.COLOR_BGR2GRAY)
        works = {
            "check": lambda plain=plain, small=small: agrees(
                small, read_strips(io.BytesIO(plain), COLUMNS, ROWS)
            ),
            "decode": lambda plain=plain: decode_small(plain),
            "with": lambda phone=phone: detector.check(phone),
            "without": lambda plain=plain: detector.check(plain),
        }
        measures = [timed(name, work) for name, work in works.items()]
        took = {name: median(ms) for name, ms in in_turns({"": measures}, ROUNDS)[""].items()}
        ratios["the check / 1/8 decode"].append(took["check"] / took["decode"])
        if detector.check(phone).stage == "thumbnail":
            ratios["the check / all that is done where a thumbnail settles it"].append(
                took["check"] / took["with"]
            )
            ratios["settled by the thumbnail / without one"].append(took["with"] / took["without"])
    for name, values in ratios.items():
        print(f"{name}: {median(values):.2f} ({len(values)} photos)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--exif", type=Path, help="folder of cameras' files with their thumbnails")
    parser.add_argument("--photos", type=int, default=PHOTOS)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    rows = random.Random(11).sample(read_manifest(arguments.manifest), arguments.photos)
    images = [load_photo(row.path).image for row in rows]
    costs(images[:TIMED])
    trusted: dict[bool, dict[str, list[bool]]] = {True: defaultdict(list), False: defaultdict(list)}
    for place, image in enumerate(images):
        strips = strips_of(image)
        large = enlarge(image)
        others = [images[(place + step) % len(images)] for step in (1, 7, 31)]
        for same, thumbnails in ((True, honest(large)), (False, stale(large, others))):
            for name, small in thumbnails:
                answer = agrees(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), strips)
                trusted[same][name].append(answer)
    for same, title in ((True, "of this very picture"), (False, "of another state")):
        print(f"\n| thumbnail {title} | trusted |\n|---|---|")
        for name, answers in trusted[same].items():
            print(f"| {name} | {np.mean(answers):.1%} |")
    if arguments.exif:
        answers = [
            agrees(grey(small)[..., 0], strips_of(image))
            for image, small in cameras(arguments.exif)
        ]
        print(f"\nof cameras' own thumbnails: {sum(answers)} of {len(answers)} trusted")


if __name__ == "__main__":
    main()
