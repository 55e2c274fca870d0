"""The state of a guard in a file and on loopback."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

import pytest

from cancelall.core.errors import ConfigError
from cancelall.guard import metrics
from cancelall.guard.metrics import Metrics
from unit.guard.statuses import ARMED


def test_a_file_is_written_anew_and_goes_with_the_guard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mm.prom"
    written = asyncio.Event()
    real = metrics.write_public

    def noting(where: Path, text: str) -> None:
        real(where, text)
        loop.call_soon_threadsafe(written.set)

    async def run() -> None:
        nonlocal loop
        loop = asyncio.get_running_loop()
        shown = Metrics(str(path), lambda: ARMED)
        await shown.start()
        first = path.stat().st_ino
        assert 'cancelall_guard_ready{guard="mm"} 1\n' in path.read_text(encoding="utf-8")
        if os.name == "posix":
            assert stat.S_IMODE(path.stat().st_mode) & 0o444 == 0o444
        written.clear()
        await asyncio.wait_for(written.wait(), 10)
        assert path.stat().st_ino != first
        assert [one.name for one in tmp_path.iterdir()] == ["mm.prom"]
        await shown.close()
        assert list(tmp_path.iterdir()) == []

    loop: asyncio.AbstractEventLoop
    monkeypatch.setattr(metrics, "EVERY", 0.01)
    monkeypatch.setattr(metrics, "write_public", noting)
    old = os.umask(0o022)
    try:
        asyncio.run(run())
    finally:
        os.umask(old)


def test_a_file_that_cannot_be_written_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^metrics: .*/none/mm\.prom cannot be written: No such file"):
        asyncio.run(Metrics(str(tmp_path / "none" / "mm.prom"), lambda: ARMED).start())


def answers(*requests: bytes) -> list[bytes]:
    """What is answered to each of these."""

    async def run() -> list[bytes]:
        shown = Metrics("http:127.0.0.1:0", lambda: ARMED)
        await shown.start()
        got = []
        for raw in requests:
            reader, writer = await asyncio.open_connection("127.0.0.1", shown.port)
            writer.write(raw)
            writer.write_eof()
            got.append(await asyncio.wait_for(reader.read(), 10))
            writer.close()
        await shown.close()
        return got

    return asyncio.run(run())


def test_it_is_shown_on_loopback() -> None:
    host = b"Host: 127.0.0.1:9\r\n\r\n"
    shown, head, other, post, rebound, none, odd, long = answers(
        b"GET /metrics HTTP/1.1\r\n" + host,
        b"HEAD /metrics?x=1 HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + host,
        b"POST /metrics HTTP/1.1\r\n" + host,
        b"GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\n\r\n",
        b"\xff\r\n\r\n",
        b"x" * 20_000,
    )
    assert shown.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b'cancelall_guard_up{guard="mm"} 1\n' in shown
    assert (head.split(b"\r\n")[0], head.endswith(b"\r\n\r\n")) == (b"HTTP/1.1 200 OK", True)
    assert other.startswith(b"HTTP/1.1 404")
    assert post.startswith(b"HTTP/1.1 405")
    assert [one.partition(b"\r")[0] for one in (rebound, none, odd)] == [b"HTTP/1.1 421 Misdirected Request"] * 3
    assert b"cancelall_guard" not in other + post + rebound + none + odd + long
    assert long == b""


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    async def run() -> None:
        first = Metrics("http:127.0.0.1:0", lambda: ARMED)
        await first.start()
        with pytest.raises(ConfigError, match="nothing can listen on 127"):
            await Metrics(f"http:127.0.0.1:{first.port}", lambda: ARMED).start()
        await first.close()

    asyncio.run(run())
