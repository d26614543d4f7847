"""Break the code on purpose, one change at a time, and tell whether the tests notice.

    python bench/mutations.py [NAME ...]

Each change is made in a copy of the tree, and only the tests that should notice it are run there;
first they are run without any change, for a test that fails anyway notices nothing. A change whose
place is no longer found ends the run: then the list below has to follow the code.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PASSED, FAILED = 0, 1  # pytest's exit codes; all others mean that no test has judged


@dataclass(frozen=True)
class Mutation:
    """A change of the code, and the tests that should notice it.

    Attributes
    ----------
    name : str
    changes : tuple of (str, str)
        What stands exactly once in the package, whatever the file and the white space, and what
        takes its place.
    tests : tuple of str
        Arguments for pytest; patterns of files that match nothing are left out.
    """

    name: str
    changes: tuple[tuple[str, str], ...]
    tests: tuple[str, ...]


# Skin that is not brought to one colour in `quality` would be one more, but that step is gone for
# want of an effect; see docs/experiments.md.
SHARP = '"the background is about as sharp as the face"'
BLURRED = '"the background is plain"'
MUTATIONS = (
    Mutation(
        "no look at 320 px",
        (("best_score >= _NEARLY_A_FACE", "best_score >= 2"),),
        ("tests/test_faces.py",),
    ),
    Mutation(
        "turned faces need no extra confidence",
        (("turned, self.rotated_score_threshold", "turned, self.score_threshold"),),
        ("tests/test_faces.py",),
    ),
    Mutation(
        "the same with Haar",
        (("turned, self.rotated_min_neighbors", "turned, self.min_neighbors"),),
        ("tests/test_faces.py",),
    ),
    Mutation(
        "sharp and plain backgrounds exchanged",
        ((SHARP, BLURRED), (BLURRED, SHARP)),
        ("tests/test_observations.py",),
    ),
    Mutation(
        "a summary names the reasons against its label",
        (("self._seen(_SIDES[self.label])", "self._seen(-_SIDES[self.label])"),),
        ("tests/test_verdict*.py", "tests/test_detector.py"),
    ),
    Mutation(
        "two neighbouring features exchanged",
        (
            ('"group_width": width / scene.width', '"group_width": height / scene.height'),
            ('"group_height": height / scene.height', '"group_height": width / scene.width'),
        ),
        ("tests/test_feature*.py",),
    ),
    Mutation(
        "the clamp on distance evidence removed",
        (("min(max(shift, low), high)", "shift"),),
        ("tests/test_evidence.py", "tests/test_metadata.py"),
    ),
    Mutation(
        "a photo that changed is copied by scan",
        (("if sha256 not in (None, digest.hexdigest()):", "if False:"),),
        ("tests/test_scan*.py",),
    ),
    Mutation(
        "--resume trusts the size alone",
        (
            (
                "(facts.st_size, facts.st_mtime_ns) == (known.bytes, known.mtime_ns)",
                "facts.st_size == known.bytes",
            ),
        ),
        ("tests/test_scan*.py",),
    ),
    Mutation(
        "a slow head on a second keep-alive request",
        (("elif self._clock is None: self._start_clock()", "elif False: self._start_clock()"),),
        ("tests/test_serve*.py",),
    ),
    Mutation(
        "calibration ignores the sources' weights",
        (
            (
                "weights = sample_weights(rows) sure = np.empty(len(rows))",
                "weights = np.ones(len(rows)); sure = np.empty(len(rows))",
            ),
        ),
        ("tests/test_training.py", "-k", "calibration"),
    ),
    Mutation(
        "thresholds leave no margin for sources not yet seen",
        (("needed[int(np.ceil(sureness * len(needed))) - 1]", "needed[len(needed) // 2]"),),
        ("tests/test_training.py", "-k", "thresholds"),
    ),
    Mutation(
        "sources are shared out among the folds",
        (
            (
                "index=np.array([place[row.group] for row in rows]",
                "index=np.array([_digest(row) % count for row in rows]",
            ),
        ),
        ("tests/test_training.py", "-k", "folds"),
    ),
    Mutation(
        "without a face all is measured",
        (("if scene.maps_alone: return _MAPS", "if not GROUPS: return _MAPS"),),
        ("tests/test_features.py",),
    ),
    Mutation(
        "the second look's maps are not measured",
        (("before is None else _MAPS", "before is None else ()"),),
        ("tests/test_golden.py", "tests/test_detector.py", "tests/test_staging.py"),
    ),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="parts of names (default: all)")
    wanted = parser.parse_args().names
    chosen = [m for m in MUTATIONS if not wanted or any(part in m.name for part in wanted)]
    if not chosen:
        parser.error("no change has such a name")
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "classicselfie"
        unwanted = shutil.ignore_patterns(
            ".git", ".venv*", "build", "dist", "*.egg-info", ".*_cache", "__pycache__"
        )
        shutil.copytree(ROOT, tree, ignore=unwanted)
        for mutation in chosen:  # all places are looked for before any test is run
            places(tree, mutation)
        for tests in sorted({mutation.tests for mutation in chosen}):
            code, told = run_tests(tree, tests)
            if code != PASSED:
                sys.exit(f"without any change, {' '.join(tests)} does not pass:\n{told}")
        missed = 0
        for mutation in chosen:
            before = {path: path.read_text(encoding="utf-8") for path in places(tree, mutation)}
            for path, text in places(tree, mutation).items():
                path.write_text(text, encoding="utf-8")
            code, told = run_tests(tree, mutation.tests)
            for path, text in before.items():
                path.write_text(text, encoding="utf-8")
            if code not in (PASSED, FAILED):
                sys.exit(f"{mutation.name}: no test has judged it:\n{told}")
            missed += code == PASSED
            by = re.findall(r"^FAILED \S*?(test_\w+(?:\[.*?\])?)(?: -|$)", told, re.MULTILINE)
            caught = f"caught by {by[0] if by else '?'}" if code == FAILED else "NOT CAUGHT"
            print(f"{mutation.name:55} {caught}", flush=True)
    print(f"{len(chosen) - missed} of {len(chosen)} caught")
    return 1 if missed else 0


def places(tree: Path, mutation: Mutation) -> dict[Path, str]:
    """Find the files that a mutation changes, and what they hold then."""
    spans: dict[Path, list[tuple[int, int, str]]] = {}
    for old, new in mutation.changes:
        pattern = re.compile(r"\s+".join(map(re.escape, old.split())))
        found = [
            (path, match)
            for path in sorted((tree / "classicselfie").rglob("*.py"))
            for match in pattern.finditer(path.read_text(encoding="utf-8"))
        ]
        if len(found) != 1:
            sys.exit(f"{mutation.name}: {old!r} stands {len(found)} times in the package, not once")
        ((path, match),) = found
        spans.setdefault(path, []).append((*match.span(), new))
    changed = {}
    for path, edits in spans.items():
        text = path.read_text(encoding="utf-8")
        for start, end, new in sorted(edits, reverse=True):
            text = text[:start] + new + text[end:]
        compile(text, str(path), "exec")
        changed[path] = text
    return changed


def run_tests(tree: Path, tests: Sequence[str]) -> tuple[int, str]:
    """Run tests of a tree until one fails; return pytest's exit code and what it printed."""
    arguments = [
        name
        for argument in tests
        for name in (
            sorted(str(path.relative_to(tree)) for path in tree.glob(argument))
            if "*" in argument
            else [argument]
        )
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *arguments],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


if __name__ == "__main__":
    sys.exit(main())
