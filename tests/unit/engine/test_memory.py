"""What is remembered between runs: names alone, of the right account, bounded, and never in anybody's way."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancelall.core.profile import Common, Profile
from cancelall.engine import memory
from cancelall.engine.memory import SEGMENTS_AT_MOST, SYMBOLS_AT_MOST, recall, remember
from cancelall.venues.registry import schema


def profile(name: str = "desk", **more: Any) -> Profile:
    values = {"venue": "binance", "environment": "live", "origin": "https://api.binance.com", "common": Common()}
    return Profile(**{"name": name, **values, "options": schema("binance").options(), "scope": {}, **more})


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}


def file_of(environ: dict[str, str], name: str = "desk") -> Path:
    return Path(environ["XDG_STATE_HOME"]) / "cancelall" / "open-symbols" / f"{name}.json"


def test_what_was_open_is_known_at_the_next_run(environ: dict[str, str]) -> None:
    assert recall(profile(), environ) == ()
    remember(profile(), environ, {"usdm": ["BTCUSDT", "ETHUSDT", "BTCUSDT"], "spot": []})
    assert recall(profile(), environ) == (("usdm", ("BTCUSDT", "ETHUSDT")),)
    assert stat.S_IMODE(file_of(environ).stat().st_mode) == 0o600
    assert stat.S_IMODE(file_of(environ).parent.stat().st_mode) == 0o700
    remember(profile(), environ, {"usdm": ["SOLUSDT"], "spot": ["LTCBTC"]})
    assert dict(recall(profile(), environ)) == {"usdm": ("SOLUSDT", "BTCUSDT", "ETHUSDT"), "spot": ("LTCBTC",)}


def test_nothing_is_written_where_nothing_is_new(environ: dict[str, str]) -> None:
    remember(profile(), environ, {"usdm": ["BTCUSDT"]})
    before = file_of(environ).stat().st_ino
    remember(profile(), environ, {"usdm": ["BTCUSDT"]})
    remember(profile(), environ, {})
    assert file_of(environ).stat().st_ino == before
    remember(profile("other"), environ, {"usdm": []})
    assert not file_of(environ, "other").exists()


@pytest.mark.parametrize("more", [{"environment": "demo"}, {"origin": "http://127.0.0.1:1"}, {"venue": "bybit"}])
def test_another_account_of_the_same_name_is_not_remembered(environ: dict[str, str], more: dict[str, str]) -> None:
    remember(profile(), environ, {"usdm": ["BTCUSDT"]})
    assert recall(profile(**more), environ) == ()


def test_it_is_bounded(environ: dict[str, str]) -> None:
    remember(profile(), environ, {"usdm": [f"S{number}USDT" for number in range(500)]})
    remember(profile(), environ, {f"isolated S{number}": ["SUSDT"] for number in range(500)})
    known = recall(profile(), environ)
    assert len(known) == SEGMENTS_AT_MOST
    assert all(len(symbols) <= SYMBOLS_AT_MOST for _, symbols in known)
    file_of(environ).write_bytes(b" " * (1 << 20))
    assert recall(profile(), environ) == ()


GOOD = {"schema": 1, "venue": "binance", "environment": "live", "host": "https://api.binance.com"}
ODD: list[object] = [None, [], 7, {}, {**GOOD}, {**GOOD, "segments": []}, {**GOOD, "segments": {"usdm": "BTCUSDT"}}]


@pytest.mark.parametrize("value", ODD, ids=repr)
def test_a_file_of_another_shape_is_none(environ: dict[str, str], value: object) -> None:
    file_of(environ).parent.mkdir(parents=True)
    file_of(environ).write_text(json.dumps(value))
    assert recall(profile(), environ) == ()
    remember(profile(), environ, {"usdm": ["BTCUSDT"]})
    assert recall(profile(), environ) == (("usdm", ("BTCUSDT",)),), "and is written anew"


def test_what_is_no_name_is_left_out(environ: dict[str, str]) -> None:
    file_of(environ).parent.mkdir(parents=True)
    odd = ["", " ", "A\nB", 7, None, {}, "X" * 100, "BTCUSDT"]
    file_of(environ).write_text(json.dumps({**GOOD, "segments": {"usdm": odd, "": ["BTCUSDT"], "spot": 7}}))
    assert recall(profile(), environ) == (("usdm", ("BTCUSDT",)),)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_none(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    environ = {"XDG_STATE_HOME": str(tmp_path_factory.getbasetemp() / "any")}
    file_of(environ).parent.mkdir(parents=True, exist_ok=True)
    file_of(environ).write_bytes(data)
    recall(profile(), environ)


@pytest.mark.parametrize(
    "spoil", [lambda path: path.mkdir(parents=True), lambda path: _pipe(path)], ids=["dir", "pipe"]
)
def test_what_cannot_be_read_or_written_changes_nothing(environ: dict[str, str], spoil: Callable[[Path], None]) -> None:
    spoil(file_of(environ))
    assert recall(profile(), environ) == ()
    remember(profile(), environ, {"usdm": ["BTCUSDT"]})


def _pipe(path: Path) -> None:
    import os

    path.parent.mkdir(parents=True)
    os.mkfifo(path)


def test_without_a_state_directory_nothing_is_kept(tmp_path: Path) -> None:
    assert recall(profile(), {}) == ()
    remember(profile(), {}, {"usdm": ["BTCUSDT"]})
    assert memory._paths(profile(), {}) == ()
