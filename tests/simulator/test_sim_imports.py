"""The embedded exchange stands alone: a mistake in the client's code must not reach the code that checks the client."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cancelall import simulator

HOME = Path(simulator.__file__).parent
FILES = sorted(HOME.rglob("*.py"))
LAZY = {"cryptography"}


def imported(tree: ast.AST, depth: int) -> Iterator[str]:
    """Top-level names of absolute imports, and a complaint for relative ones that leave the package."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level > depth:
                yield f"{'.' * node.level}{node.module or ''}"
            elif node.level == 0:
                yield (node.module or "").partition(".")[0]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HOME)))
def test_imports_only_the_standard_library_and_itself(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    depth = len(path.relative_to(HOME).parts)
    foreign = set(imported(tree, depth)) - set(sys.stdlib_module_names)
    assert foreign <= LAZY
    top_level = {name for node in tree.body for name in imported(node, depth) if isinstance(node, ast.stmt)}
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    inside = {name for function in functions for name in imported(function, depth)}
    assert foreign <= inside, f"{path} imports {foreign} at its top level: {top_level}"


def test_importing_the_package_loads_no_venue() -> None:
    code = "import sys, cancelall.simulator as s; print(sorted(m for m in sys.modules if m in s.VENUES.values()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=HOME.parents[1])
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", simulator.VENUES)
def test_every_venue_can_be_made(name: str) -> None:
    fake = simulator.create(name, orders=12, seed=3)
    assert fake.name == name
    assert len(fake.open_orders()) == 12
    assert set(simulator.FAULTS) <= set(simulator.fault_help(name))


def test_an_unknown_venue_is_named() -> None:
    with pytest.raises(ValueError, match="no fake venue 'bibit'"):
        simulator.create("bibit")
