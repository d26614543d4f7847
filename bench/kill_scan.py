"""Kill `classicselfie scan --move-to` again and again, resume it, and count what is where.

    python bench/kill_scan.py FOLDER --photos 500 --kills 20

FOLDER must not exist. Small drawn photos with companions are made in it, and other files; the
results lie among them, in SQLite's WAL mode. Every other kill comes at a random moment of the run,
the others within a random twentieth of a second after a file was moved. A scan that ends before it
is killed is checked, and the next begins with new files and is killed sooner. Ends with 1 and tells
what is wrong.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import cv2

from classicselfie.benchmark.drawing import draw_person, draw_scene

_COMPANIONS = (".MOV", ".AAE", ".JPG.xmp", ".JPG.json")
_OTHERS = ("notes.txt", "catalogue.lrcat", "trip/film.mp4", "metadata.json")
_FIRST_SECOND, _LAST_SECOND = 0.5, 4.0  # after the start; the first moves come within these
_SOONER = 0.6  # of the time that came too late


class Collection:
    """Photos with companions, the results in their midst, and where they are moved to."""

    def __init__(self, folder: Path, photos: int) -> None:
        self.photos, self.out = folder / "photos", folder / "out"
        self.output = self.photos / "results.sqlite"
        kinds = [cv2.imencode(".jpg", draw(96, 128))[1] for draw in (draw_person, draw_scene)]
        self.before: dict[bytes, str] = {}
        for number in range(photos):
            stem = f"{('', 'trip/', 'trip/day 2/')[number % 3]}IMG_{number:04}"
            self._write(f"{stem}.JPG", kinds[number % 2].tobytes())
            for end in _COMPANIONS[: number % (len(_COMPANIONS) + 1)]:
                self._write(stem + end, b"")
        for name in _OTHERS:
            self._write(name, b"")
        with closing(sqlite3.connect(self.output)) as database:
            database.execute("PRAGMA journal_mode = WAL")

    def _write(self, name: str, content: bytes) -> None:
        path = self.photos / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content += name.encode()  # no two files are the same
        path.write_bytes(content)
        self.before[content] = name

    def places(self) -> Counter[bytes]:
        """Count the places at which each content lies, the scan's own files left out."""
        own = self.output.name
        files = (path for root in (self.photos, self.out) for path in root.rglob("*"))
        return Counter(
            path.read_bytes() for path in files if path.is_file() and not path.name.startswith(own)
        )

    def lost(self) -> list[str]:
        """Tell what lies nowhere after a kill."""
        places = self.places()
        return [f"{name} is lost" for content, name in self.before.items() if not places[content]]

    def wrong(self) -> list[str]:
        """Tell what is not as it must be when a scan has ended."""
        faults = self.lost()
        faults += [
            f"{content[-40:]!r} lies {n} times" for content, n in self.places().items() if n > 1
        ]
        with closing(sqlite3.connect(self.output)) as database:
            found = database.execute("SELECT path, sha256, sorted_to FROM photos").fetchall()
        rows = {path: (sha256, place) for path, sha256, place in found}
        faults += [f"there are {len(found) - len(rows)} rows too many"] * (len(rows) < len(found))
        faults += [f"{path} is a row of no file" for path in rows.keys() - set(self._names())]
        for content, name in self.before.items():
            sha256, place = rows.get(str(self.photos / name), (None, None))
            if sha256 != hashlib.sha256(content).hexdigest():
                faults.append(f"{name} has no row, or one of another content")
            elif (place is None) != (name in _OTHERS):
                faults.append(f"{name} is at {place}")
            elif place and Path(place).read_bytes() != content:
                faults.append(f"{name} is not at {place}")
            elif place and Path(place).relative_to(self.out).parts[1:] != Path(name).parts:
                faults.append(f"{name} is at the wrong place, {place}")
        return faults

    def _names(self) -> list[str]:
        return [str(self.photos / name) for name in self.before.values()]

    def scan(self) -> subprocess.Popen[bytes]:
        """Begin a scan, or go on with it."""
        command = [
            sys.executable,
            "-m",
            "classicselfie",
            "scan",
            self.photos,
            "--resume",
            "--jobs",
            "2",
        ]
        options = ["--to", self.output, "--move-to", self.out, "--threshold", "0"]
        return subprocess.Popen([*command, *options], stderr=subprocess.DEVNULL)

    def wait_for_a_move(self, process: subprocess.Popen[bytes]) -> None:
        """Wait until a file has come, or the scan has ended."""
        before = self._moved()
        while process.poll() is None and self._moved() == before:
            time.sleep(0.001)

    def _moved(self) -> int:
        return sum(len(files) for _, _, files in os.walk(self.out))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photos", type=int, default=500)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    folder: Path = arguments.folder.absolute()
    folder.mkdir(parents=True)
    kills = rounds = half_moved = 0
    latest, after_move = _LAST_SECOND, 0.05
    faults: list[str] = []
    while not faults and kills < arguments.kills:
        rounds += 1
        collection = Collection(folder / str(rounds), arguments.photos)
        process = collection.scan()
        while not faults and kills < arguments.kills:
            if kills % 2:
                collection.wait_for_a_move(process)
                time.sleep(chance.uniform(0, after_move))
            else:
                time.sleep(chance.uniform(_FIRST_SECOND, latest))
            if process.poll() is not None:  # not every machine takes as long
                if kills % 2:
                    after_move *= _SOONER
                else:
                    latest = max(_FIRST_SECOND, latest * _SOONER)
                break
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            half_moved += max(collection.places().values()) > 1
            faults = collection.lost()
            process = collection.scan()
        if process.wait():
            faults.append(f"a scan ended with {process.returncode}")
        faults += collection.wrong()
    shutil.rmtree(folder) if not faults else None
    print(
        f"{kills} kills in {rounds} collections of {arguments.photos} photos; "
        f"{half_moved} left a file at both of its places for the next scan to finish"
    )
    print("\n".join(faults[:20]) or "all files at one place, one row each", flush=True)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
