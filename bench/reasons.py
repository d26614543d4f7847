"""How people are told why: what the summaries say, counted over many photos, and a sheet to read.

    python -m pip install -e '.[train]'
    python bench/reasons.py ../shared/data/manifest.csv
    python bench/reasons.py ../shared/data/manifest.csv --sheet reasons.html --count 60

The photos are drawn at random from the manifest, those of a split with `--split`; the sheet shows
as many selfies as others, and of both those that may be one. A mind of one's own is needed for the
sheet: would I, seeing the picture, agree with each clause?
"""

from __future__ import annotations

import argparse
import base64
import html
import io
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from PIL import Image, ImageOps

from classicselfie import Reason, SelfieDetector, Verdict
from classicselfie.observations import OBSERVATIONS
from classicselfie.reasons import METADATA_TITLES
from classicselfie.training.manifest import Row, read_manifest
from classicselfie.verdict import LOOK

SEED = 7
SIDE = 240  # pixels of a picture on the sheet
GENERAL_LOOK = "the picture's general look"
TO_BE_SEEN = {each.name for each in OBSERVATIONS} | set(METADATA_TITLES)
STYLE = """body{font:15px/1.4 system-ui,sans-serif;margin:1rem;color:#222;background:#fff}
main{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:1rem}
figure{margin:0;break-inside:avoid}img{display:block}figcaption b{display:block;color:#666}"""


def draw(rows: Iterable[Row], split: str | None, count: int) -> list[Row]:
    """Draw photos at random, the same ones every time."""
    chosen = [row for row in rows if split in (None, row.split)]
    random.Random(SEED).shuffle(chosen)
    return chosen[:count]


def sides(verdict: Verdict) -> Iterator[tuple[str, int]]:
    """Take a summary apart into what is said for a side; what follows "though" is on none."""
    if verdict.confidence == "maybe":
        pros, _, cons = verdict.summary.partition(" Against it: ")
        yield pros, 1
        yield cons, -1
    elif verdict.is_selfie is not None and verdict.faces:
        yield verdict.summary.partition(", though ")[0], 1 if verdict.is_selfie else -1


def shown(verdict: Verdict) -> list[tuple[Reason, int]]:
    """List the reasons that a summary names, each with the side on which it stands there."""
    return [
        (reason, side)
        for text, side in sides(verdict)
        for reason in verdict.reasons
        if (GENERAL_LOOK if reason.signal == LOOK else reason.sentence) in text
    ]


def tell(verdicts: list[Verdict]) -> Iterator[str]:
    """Count what the summaries say."""
    faces = [verdict for verdict in verdicts if verdict.faces]
    others = [verdict for verdict in verdicts if not verdict.faces]
    named = [each for verdict in verdicts for each in shown(verdict)]
    looks = sum(reason.signal == LOOK for reason, _ in named)
    vague = sum(" as in " in reason.sentence for reason, _ in named)
    against = sum(reason.contribution * side <= 0 for reason, side in named)
    observed = sum(any(r.signal in TO_BE_SEEN for r in verdict.reasons) for verdict in faces)
    in_sight = sum(any(r.signal != LOOK for r, _ in shown(verdict)) for verdict in faces)
    besides = sum(", though " in verdict.summary for verdict in faces)
    first = sum(verdict.summary.startswith("No face was found, so") for verdict in others)
    yield f"{len(verdicts)} photos, {len(faces)} with a face: " + ", ".join(
        f"{count} {pile}" for pile, count in Counter(v.pile for v in verdicts).most_common()
    )
    yield f"sentences shown: {len(named)}"
    yield f"  that only say 'as in …': {vague} ({vague / len(named):.1%})"
    yield f"  that are the one clause on the general look: {looks} ({looks / len(named):.1%})"
    yield f"  shown as a reason for the side that they speak against: {against}"
    yield f"photos with a face whose reasons hold an observation: {observed} of {len(faces)}"
    yield f"  whose summary gives one as a reason: {in_sight}"
    yield f"  whose summary names one besides ('though …'): {besides}"
    yield f"photos without a face whose summary says so first: {first} of {len(others)}"
    yield "clauses by how often they are shown:"
    clauses = Counter(re.sub(r"\d+(\.\d+)?", "N", r.sentence) for r, _ in named if r.signal != LOOK)
    yield from (f"  {count:5d}  {clause}" for clause, count in clauses.most_common())


def mixed(judged: list[tuple[Row, Verdict]], count: int) -> Iterator[tuple[Row, Verdict]]:
    """Take in turn a selfie and another photo, clear and maybe; few without a face."""
    piles: dict[tuple[bool, str], list[tuple[Row, Verdict]]] = {}
    for row, verdict in judged:
        kind = verdict.pile if verdict.faces else "no face"
        piles.setdefault((row.selfie, kind), []).append((row, verdict))
    for turn in range(count):
        for members in piles.values():
            if turn < len(members) and count > 0:
                yield members[turn]
                count -= 1


def sheet(photos: Iterable[tuple[Path, Verdict]]) -> str:
    """Lay photos out with their summaries, as one page of HTML that needs nothing else."""
    figures = []
    for number, (path, verdict) in enumerate(photos, start=1):
        with Image.open(path) as image:
            small = ImageOps.exif_transpose(image).convert("RGB")
        small.thumbnail((SIDE, SIDE))
        data = io.BytesIO()
        small.save(data, "JPEG", quality=85)
        source = base64.b64encode(data.getvalue()).decode()
        figures.append(
            f"<figure><img alt='' src='data:image/jpeg;base64,{source}'><figcaption>"
            f"<b>{number}</b>{html.escape(verdict.summary)}</figcaption></figure>"
        )
    return (
        f"<!doctype html><meta charset=utf-8><title>Reasons</title><style>{STYLE}</style>"
        f"<main>{''.join(figures)}</main>\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--photos", type=int, default=1000, help="default: %(default)s")
    parser.add_argument("--split", choices=("train", "valid"))
    parser.add_argument("--detector", default="yunet", choices=("yunet", "haar"))
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--sheet", type=Path, metavar="FILE.html")
    parser.add_argument("--count", type=int, default=60, help="on the sheet; default: %(default)s")
    arguments = parser.parse_args()
    rows = draw(read_manifest(arguments.manifest), arguments.split, arguments.photos)
    detector = SelfieDetector(arguments.weights, detector=arguments.detector)
    judged = [(row, detector.check(row.path)) for row in rows]
    judged = [(row, verdict) for row, verdict in judged if verdict.label != "unknown"]
    print(*tell([verdict for _, verdict in judged]), sep="\n")
    if arguments.sheet:
        chosen = [(row.path, verdict) for row, verdict in mixed(judged, arguments.count)]
        arguments.sheet.write_text(sheet(chosen), encoding="utf-8")


if __name__ == "__main__":
    main()
