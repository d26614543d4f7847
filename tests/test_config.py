"""Options from a file: found, checked, and overruled by the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import call

from classicselfie import SelfieDetector
from classicselfie.cli import COMMANDS, make_parser

pytest.importorskip("tomllib", reason="the extra config is not installed")


def answers(*arguments: object, cwd: Path) -> list[dict[str, object]]:
    done = call("check", "--json", *arguments, cwd=cwd)
    assert done.returncode in (0, 1), done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def place(person_jpeg: bytes, tmp_path: Path) -> Path:
    """A project's folder with a photo two folders below."""
    (tmp_path / "photos" / "new").mkdir(parents=True)
    (tmp_path / "photos" / "new" / "me.jpg").write_bytes(person_jpeg)
    return tmp_path


def test_the_nearest_file_counts_and_the_command_line_counts_more(place: Path) -> None:
    new = place / "photos" / "new"
    assert answers("me.jpg", cwd=new)[0]["threshold"] == SelfieDetector().threshold
    (place / "pyproject.toml").write_text(
        '[project]\nname = "x"\n[tool.classicselfie]\nthreshold = 0.25\n'
    )
    assert answers("me.jpg", cwd=new)[0]["threshold"] == 0.25
    (place / "photos" / "pyproject.toml").write_text('[project]\nname = "other"\n')
    assert answers("me.jpg", cwd=new)[0]["threshold"] == 0.25  # that one says nothing
    (place / "photos" / "classicselfie.toml").write_text(
        'threshold = 0.5\ndetector = "haar"\n[check]\nthreshold = 0.75\n[scan]\njobs = 1\n'
    )
    (row,) = answers("me.jpg", cwd=new)
    assert (row["threshold"], str(row["model"])[:18]) == (0.75, "classicselfie-haar")
    assert answers("--threshold", "0.1", "me.jpg", cwd=new)[0]["threshold"] == 0.1
    assert answers("--no-config", "me.jpg", cwd=new)[0]["threshold"] == SelfieDetector().threshold
    named = ("--config", place / "pyproject.toml")
    assert answers(*named, "me.jpg", cwd=new)[0]["threshold"] == 0.25
    told = call("check", "-v", "me.jpg", cwd=new).stderr
    assert f"options from {place / 'photos' / 'classicselfie.toml'}\n" in told


def test_flags_lists_paths_and_needed_options_may_stand_in_it(place: Path) -> None:
    pytest.importorskip("tqdm", reason="the extra scan is not installed")
    (place / "classicselfie.toml").write_text(
        "jobs = 1\n"
        "[check]\njson = true\n"
        '[crop]\noutput = "out/crop.jpg"\n'
        '[scan]\nto = "r.csv"\nexclude = ["*.png", "me*"]\ncopy-to = "copies"\n'
    )
    photo = "photos/new/me.jpg"
    assert json.loads(call("check", photo, cwd=place).stdout)["path"] == photo
    assert call("check", "--no-json", photo, cwd=place).stdout.startswith(f"{photo}: ")
    # Paths count from the file's own folder, as everything in it.
    (place / "out").mkdir()
    assert call("crop", "me.jpg", cwd=place / "photos" / "new").returncode == 0
    assert (place / "out" / "crop.jpg").exists()
    assert call("scan", "photos", cwd=place).returncode == 0
    assert (place / "r.csv").read_text().count("\n") == 1  # only its head
    call("scan", "photos", "--exclude", "*.gif", "--link-to", "links", cwd=place)
    assert (place / "r.csv").read_text().count("\n") == 2
    assert list((place / "copies").iterdir()) == []
    assert [path.is_symlink() for path in (place / "links").rglob("*.jpg")] == [True]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("treshold = 0.5", "treshold is not a common option; did you mean threshold?"),
        ("[chekc]\njson = true", "chekc is not a command; did you mean check?"),
        ("[check]\njsn = true", "[check] jsn is not an option of check; did you mean json?"),
        ("[check]\nphotos = ['a']", "[check] photos is not an option of check"),
        ("[check]\nconfig = 'a'", "[check] config is not an option of check"),
        ("[check]\njson = 'yes'", "[check] json: it must be true or false"),
        ("[check]\nthreshold = true", "[check] threshold: it must be a number or a text"),
        ("threshold = 'lenient'", "threshold: 'lenient' is neither strict, sensitive nor"),
        ("detector = 'cnn'", "detector: 'cnn' is none of yunet, haar"),
        ("weights = 3", "weights: it must be a text in quotes"),
        ("quiet = true\nverbose = true", "quiet and verbose exclude each other"),
        ("threshold = ", "cannot be read: "),
        ("\ud800", "cannot be read: "),
    ],
)
def test_what_is_wrong_in_it_is_one_line_that_names_file_and_key(
    text: str, told: str, place: Path
) -> None:
    file = place / "classicselfie.toml"
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    done = call("check", "photos/new/me.jpg", cwd=place)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"classicselfie: {file}")
    assert told in done.stderr


def test_a_list_must_be_one(place: Path) -> None:
    for text in ("exclude = '*.gif'", "exclude = []", "exclude = [1]"):
        (place / "classicselfie.toml").write_text(f"[scan]\n{text}\n")
        done = call("scan", "photos", cwd=place)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), text
        assert "[scan] exclude: " in done.stderr


def test_every_option_of_every_command_may_stand_in_it(tmp_path: Path) -> None:
    from classicselfie.cli.config import Config

    parsers = make_parser().commands.choices
    given = {"int": 2, "float": 0.5, "count": 2, "port": 80, "seconds": 2.5, "threshold": 0.5}
    for command in COMMANDS:
        lines = [f"[{command}]"]
        for action in parsers[command]._actions:
            names = [name[2:] for name in action.option_strings if name.startswith("--")]
            if not names or names[-1] in ("help", "config", "no-config"):
                continue
            kind = getattr(action.type, "__name__", "")
            value = json.dumps(next(iter(action.choices or ["x"])))
            if kind in given or kind in ("jobs", "megapixels"):
                value = str(given.get(kind, 4))
            if action.nargs == 0:
                value = "true"
            elif action.nargs is not None or type(action).__name__ == "_AppendAction":
                value = f"[{', '.join([value] * (action.nargs if action.nargs == 2 else 1))}]"
            lines.append(f"{names[-1]} = {value}")
        file = tmp_path / "classicselfie.toml"
        file.write_text("\n".join(lines))
        Config(file, COMMANDS).prepare(command, make_parser(command).commands.choices[command])


def test_without_a_file_nothing_is_loaded_for_it(place: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys\nfrom classicselfie.cli import main\nmain(['check', 'photos/new/me.jpg'])\n"
        "print(sorted({'tomllib', 'difflib', 'argcomplete', 'classicselfie.cli.config',\n"
        "              'classicselfie.extras', 'shlex'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=place, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
