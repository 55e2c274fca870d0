"""What a guard keeps on the disk: whole or not at all, and never believed when it is odd."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancelall.core.errors import ConfigError, ExitStatus
from cancelall.guard import records
from cancelall.guard.model import Cause, GuardRecord, GuardState
from cancelall.guard.records import Records, boot, guard_directory, parse, text_of
from support import ROOT

RECORD = GuardRecord(
    boot="b",
    state=GuardState.ARMED,
    at=12.5,
    cause=Cause(trigger="heartbeat", source="/run/beat", words="no beat"),
    beats={"heartbeat /run/beat": "1:2:3", "process 7": "7:9"},
    beat_at={"heartbeat /run/beat": 11.25},
    verdict="clear",
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    kept = Records(tmp_path / "new", "mm")
    kept.lock()
    assert kept.read() == records.Found()
    kept.write(RECORD)
    assert kept.read().record == RECORD
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600
    kept.write(GuardRecord(boot="b", state=GuardState.WAITING, at=0))
    assert kept.read().record == GuardRecord(boot="b", state=GuardState.WAITING, at=0.0)
    assert {one.name for one in kept.directory.iterdir()} == {"guard-mm", "guard-mm.lock"}


texts = st.text(max_size=20)
moments = st.floats(min_value=-1e9, max_value=1e9)
written = st.builds(
    GuardRecord,
    boot=texts,
    state=st.sampled_from(GuardState),
    at=moments,
    cause=st.none() | st.builds(Cause, trigger=st.sampled_from(["signal", "probe"]), source=texts, words=texts),
    beats=st.dictionaries(texts, texts, max_size=3),
    beat_at=st.dictionaries(texts, moments, max_size=3),
    verdict=texts,
    stopped=st.booleans(),
)


@given(written)
def test_every_record_is_read_as_it_was_written(record: GuardRecord) -> None:
    assert parse(text_of(record).encode()) == record


@given(written, st.data())
def test_a_torn_record_is_none(record: GuardRecord, data: st.DataObject) -> None:
    whole = text_of(record).encode().rstrip()
    assert parse(whole[: data.draw(st.integers(0, len(whole) - 1))]) is None


ODD = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(st.dictionaries(st.sampled_from(list(json.loads(text_of(RECORD)))), ODD, min_size=1))
def test_a_field_of_another_kind_makes_it_none_or_is_one(odd: dict[str, object]) -> None:
    made = parse(json.dumps({**json.loads(text_of(RECORD)), **odd}).encode())
    assert made is None or parse(text_of(made).encode()) == made


@given(st.binary(max_size=200))
def test_any_bytes_raise_nothing(text: bytes) -> None:
    assert parse(text) is None or text


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"v":2}',
        b"\xff\xfe",
        b"[" * 100_000,
        text_of(RECORD).encode().replace(b"armed", b"x"),
    ],
)
def test_what_is_none_is_told_and_counts_for_nothing(tmp_path: Path, text: bytes) -> None:
    kept = Records(tmp_path, "mm")
    kept.path.write_bytes(text)
    found = kept.read()
    assert found.record is None
    assert "torn or odd" in found.trouble


def test_what_is_no_file_of_ours_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Records(tmp_path, "mm")
    kept.path.mkdir()
    assert "counts for nothing" in kept.read().trouble
    kept.path.rmdir()
    os.mkfifo(kept.path)
    assert "counts for nothing" in kept.read().trouble
    kept.path.unlink()
    kept.path.write_text("x" * (records.SIZE_LIMIT + 1))
    assert "torn or odd" in kept.read().trouble
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    kept.path.write_text(text_of(RECORD))
    if os.getuid() != 0:
        assert "not ours" in kept.read().trouble


def test_the_second_guard_of_a_name_ends_at_once(tmp_path: Path) -> None:
    first = Records(tmp_path, "mm")
    first.lock()
    code = (
        "import sys; from pathlib import Path; from cancelall.guard.records import Records\n"
        "from cancelall.core.errors import ConfigError\n"
        "try: Records(Path(sys.argv[1]), sys.argv[2]).lock(); print('mine')\n"
        "except ConfigError as error: print(int(error.status), error.line)"
    )

    def second(name: str) -> str:
        words = [sys.executable, "-c", code, str(tmp_path), name]
        return subprocess.run(words, capture_output=True, text=True, check=True, cwd=ROOT).stdout

    assert second("mm") == "6 a guard called mm is running - see: cancelall guard status --name mm\n"
    assert second("other") == "mine\n"
    first.unlock()
    assert second("mm") == "mine\n"


def test_a_name_that_no_guard_can_have_and_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    for name in ("", "../x", "a b", "x" * 65):
        with pytest.raises(ConfigError, match="cannot be called"):
            Records(tmp_path, name)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="can keep nothing in") as caught:
        Records(tmp_path / "file" / "below", "mm").lock()
    assert caught.value.status is ExitStatus.UNCONFIGURED


def test_where_a_guard_keeps_its_things(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = {"HOME": "/home/me"}
    monkeypatch.setattr(records, "MACHINE", tmp_path / "none")
    assert guard_directory(home) == Path("/home/me/.local/state/cancelall")
    assert guard_directory({**home, "XDG_RUNTIME_DIR": "/run/user/7"}) == Path("/run/user/7/cancelall")
    monkeypatch.setattr(records, "MACHINE", tmp_path)
    assert guard_directory({**home, "XDG_RUNTIME_DIR": "/run/user/7"}) == tmp_path
    assert guard_directory({**home, "RUNTIME_DIRECTORY": "/run/cancelall:/run/b"}) == Path("/run/cancelall")
    monkeypatch.setattr(records, "MACHINE", tmp_path / "none")
    with pytest.raises(ConfigError, match="no place"):
        guard_directory({})


@pytest.mark.skipif(not Path("/proc/sys/kernel/random/boot_id").exists(), reason="Linux tells its boots apart there")
def test_a_boot_has_a_name() -> None:
    assert len(boot()) == 36
    assert boot() == boot()
