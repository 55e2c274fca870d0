"""Clients that nobody here wrote, and what tests do with them: those of `tests/conformance.txt`, and an old ccxt.

`make conformance`, a part of `make faults`, installs them into `.conformance` and sets `CANCELALL_TEST_CLIENTS`. One
that is missing then is a failure; everywhere else its tests are skipped.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

Test = TypeVar("Test", bound=Callable[..., object])


def needed(module: str) -> Any:
    """A module of a client. Raises ImportError where it has to be there and is not."""
    if must_be_there():
        return importlib.import_module(module)
    return pytest.importorskip(module, reason=f"no {module}: `make conformance` installs it")


def must_be_there() -> bool:
    """Whether every client has been installed for this run."""
    return bool(os.environ.get("CANCELALL_TEST_CLIENTS"))


def by_a_client(test: Test) -> Test:
    """Mark a test that needs one of these clients: `make conformance` runs it, and nothing else does."""
    marked: Test = pytest.mark.conformance(pytest.mark.faults(test))
    return marked
