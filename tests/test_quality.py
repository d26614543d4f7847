"""The type checker, the linter and the direction of imports are part of the tests."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    "command", [["mypy"], ["ruff", "check", "."], ["ruff", "format", "--check", "."]]
)
def test_tools_find_nothing(command: list[str]) -> None:
    pytest.importorskip(command[0], reason="the extra dev is not installed")
    run = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr


# The way of the data, see CONTRIBUTING.md: each imports from earlier ones alone.
ORDER = [
    "errors",
    "names",
    "console",
    "files",
    "workers",
    "resources",
    "images",
    "quiet",
    "exif",
    "xmp",
    "embedded",
    "trailer",
    "photo",
    "faces",
    "camera",
    "metadata",
    "skin",
    "features",
    "model",
    "verdict",
    "wire",
    "reasons",
    "explain",
    "detector",
    "quality",
    "crop",
    "cli",
]
# What nobody imports but the command line.
CLOSED = {"scan", "serve", "explore", "training", "benchmark"}
PACKAGE = ROOT / "classicselfie"


def modules() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Every module of the package, and what it imports from where within it."""
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
        package = name.removesuffix(".__init__")
        found = []
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found += [(alias.name, "") for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{path}:{node.lineno}: imports name their module in full"
                found += [(node.module or "", alias.name) for alias in node.names]
        yield package, [pair for pair in found if pair[0].partition(".")[0] == PACKAGE.name]


def part(module: str) -> str:
    """The module or package directly below `classicselfie`; empty for itself."""
    return module.removeprefix(PACKAGE.name).lstrip(".").partition(".")[0]


def test_imports_point_one_way() -> None:
    """Between all modules and packages that lie in the folder, whoever is added."""
    parts = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    parts |= {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    graph: dict[str, set[str]] = {name: set() for name in parts}
    for module, imports in modules():
        own = part(module)
        if own:  # `classicselfie` itself gives out the public names
            used = {part(source) or name for source, name in imports}
            graph[own] |= (used & parts) - {own}
    # Where two parts import one another, however far around, this names the circle.
    list(TopologicalSorter(graph).static_order())
    wrong = [
        f"{own} imports {other}"
        for own, used in graph.items()
        for other in used
        if (own in ORDER and other in ORDER and ORDER.index(own) < ORDER.index(other))
        or (other in CLOSED and own != "cli")
    ]
    assert not wrong
    assert parts >= {*ORDER, *CLOSED}
    assert graph["cli"] >= CLOSED  # the imports within functions are seen too


def test_no_module_imports_one_that_imports_it() -> None:
    """Within the packages too: no circle, even one that only a function closes."""
    known = {module for module, _ in modules()}
    graph = {
        module: {
            f"{source}.{name}" if f"{source}.{name}" in known else source
            for source, name in imports
            # A package is no module that its own modules wait for, and gives out names lazily.
            if source != PACKAGE.name or f"{source}.{name}" in known
        }
        for module, imports in modules()
        if module != PACKAGE.name
    }
    list(TopologicalSorter(graph).static_order())  # CycleError names the circle


def test_no_private_name_is_used_from_another_module() -> None:
    def private(name: str) -> bool:
        return name.startswith("_") and not name.endswith("__")

    used = [
        f"{module} imports {source}.{name}"
        for module, imports in modules()
        for source, name in imports
        if any(map(private, [*source.split("."), name]))
    ]
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {
            alias.asname or alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE.name)
            for alias in node.names
        }
        used += [
            f"{path}:{node.lineno}: {node.value.id}.{node.attr}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in imported
            and private(node.attr)
        ]
    assert not used
