"""Fixtures that every test may use."""

from __future__ import annotations

import gc
import os
from collections import deque
from pathlib import Path

import pytest
from hypothesis import settings

from cancelall.config import places
from cancelall.core import secret
from cancelall.net import dial
from hiding import hide
from rerun import pytest_addoption, pytest_collection_finish, pytest_collection_modifyitems  # noqa: F401 - hooks
from turns import LATER, PLACES, SHARE

gc.disable()  # while tests are collected: hardly any of it is garbage, and a quarter of the time went into looking
# Enough to find what is easily found; `make faults` looks harder. The same every time: a run that fails fails again.
# Nobody knows how long an example takes on a busy machine.
settings.register_profile("quick", max_examples=40, derandomize=True, deadline=None)
settings.register_profile("thorough", max_examples=200, derandomize=True, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart() -> None:
    """Tests type `cancelall all`, and what the config of this machine names would really be cancelled."""
    machine = Path(places.MACHINE)
    there = os.path.exists(machine)  # noqa: PTH110 - it never raises
    if there and not (hide(machine.parent) and not machine.exists()):
        pytest.exit(f"{machine} is there and cannot be hidden: run the tests on another machine", 3)


def pytest_itemcollected(item: pytest.Item) -> None:
    """What is marked `turns` runs for some venues, or rows, in `make test`, and for all of them in `make faults`."""
    mark = item.get_closest_marker("turns")
    if mark is None or not isinstance(item, pytest.Function):
        return
    call, (number,) = item.callspec, mark.args
    venue = next((one for one in call.params.values() if isinstance(one, str) and one in PLACES), None)
    place = sum(call.indices.values()) if venue is None else PLACES[venue]
    if (place + number) % SHARE:
        item.add_marker(LATER)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """Never look again through the thousands of tests that were collected for what can be thrown away."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test's secrets are taken out of another test's output: whatever a fuzzer makes up may be a word of a venue."""
    monkeypatch.setattr(secret, "_registry", set())
    monkeypatch.setattr(secret, "_longest_first", ())
    monkeypatch.setattr(secret, "_by_start", {})
    monkeypatch.setattr(secret, "_harmless", set())
    monkeypatch.setattr(secret, "_by_gram", {})
    monkeypatch.setattr(secret, "_passing", deque())


@pytest.fixture(autouse=True)
def own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test finds the addresses that another one has looked up."""
    monkeypatch.setattr(dial, "_names", {})


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home directory."""
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    return folder
