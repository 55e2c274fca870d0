"""inotify: names that count, directories that come and go."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancelall.guard.triggers import inotify
from cancelall.guard.triggers.inotify import Inotify, events

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


@pytest.fixture
def made() -> Iterator[Inotify]:
    one = Inotify()
    yield one
    one.close()


def test_only_the_names_that_were_given_count(made: Inotify, tmp_path: Path) -> None:
    made.watch([tmp_path / "KILL", tmp_path / "STOP"])
    assert made.whole
    assert not made.take()
    (tmp_path / "other").write_text("")
    assert not made.take()
    for name in ("KILL", "STOP"):
        (tmp_path / name).write_text("")
        assert made.take()
        assert not made.take()
        (tmp_path / name).unlink()
        assert made.take()
    (tmp_path / "other").rename(tmp_path / "KILL")
    assert made.take()
    (tmp_path / "STOP").symlink_to("nowhere")
    assert made.take()


@pytest.mark.parametrize("how", ["removed", "renamed"])
def test_a_directory_that_went_is_watched_again_when_it_is_back(how: str, made: Inotify, tmp_path: Path) -> None:
    place = tmp_path / "run"
    place.mkdir()
    made.watch([place / "KILL"])
    if how == "removed":
        place.rmdir()
    else:
        place.rename(tmp_path / "old")
    assert made.take()
    made.renew()
    assert not made.whole
    place.mkdir()
    made.renew()
    assert made.whole
    made.take()
    if how == "renamed":
        (tmp_path / "old/KILL").write_text("")
        assert not made.take()
    (place / "KILL").write_text("")
    assert made.take()


def test_two_names_of_one_directory_both_count(made: Inotify, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    made.watch([tmp_path / "KILL", tmp_path / "link/STOP"])
    assert made.whole
    (tmp_path / "STOP").write_text("")
    assert made.take()


def test_a_file_that_is_written_to_counts_until_it_is_forgotten(made: Inotify, tmp_path: Path) -> None:
    file = tmp_path / "cgroup.events"
    file.write_text("")
    made.watch((), [file])
    file.write_text("populated 0")
    assert made.take()
    made.forget([file])
    assert made.whole


def test_without_an_instance_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inotify.sys, "platform", "darwin")
    with pytest.raises(OSError, match="no inotify"):
        Inotify()


@given(st.binary(max_size=200))
def test_any_bytes_are_events_or_a_torn_end(data: bytes) -> None:
    assert len(events(data)) <= len(data) // 16
