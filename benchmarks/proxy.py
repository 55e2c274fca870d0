"""A TCP proxy that is a given round trip away: what goes through arrives half of it later, in each direction."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from types import TracebackType


class DelayingProxy:
    """Listens on loopback in a thread of its own. `rtt` is in seconds.

    The kernel connects at once, so what the client says first is held for the round trip that connecting would take.
    """

    def __init__(self, port: int, rtt: float) -> None:
        self.rtt = rtt
        self.port = 0
        self.arrivals: list[float] = []
        """Monotonic seconds at which each piece of a client came."""
        self._connections = 0
        self._dead_below = 0
        self._target = port
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> DelayingProxy:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def swallow(self) -> None:
        """From now on nothing comes through on the connections that there are; they stay open, and new ones work."""
        self._dead_below = self._connections

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(lambda loop, context: None)  # clients leave as they like
        self._over = asyncio.Event()
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._over.wait()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected = self._loop.time() + self.rtt
        self._connections += 1
        number = self._connections
        with contextlib.suppress(OSError):
            onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", self._target)
            await asyncio.gather(
                self._carry(reader, onward_writer, connected, number, note=True),
                self._carry(onward_reader, writer, connected, number),
            )

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        connected: float,
        number: int,
        *,
        note: bool = False,
    ) -> None:
        """Each piece half a round trip after it came; many can be on the way at once."""
        on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            while True:
                due, piece = await on_the_way.get()
                await asyncio.sleep(due - self._loop.time())
                if not piece:
                    writer.close()
                    return
                writer.write(piece)

        delivering = asyncio.create_task(deliver())
        piece = b"."
        while piece:
            try:
                piece = await reader.read(1 << 16)
            except OSError:
                piece = b""
            if note and piece:
                self.arrivals.append(self._loop.time())
            if piece and number <= self._dead_below:
                continue
            on_the_way.put_nowait((max(self._loop.time(), connected) + self.rtt / 2, piece))
        with contextlib.suppress(OSError):
            await delivering
