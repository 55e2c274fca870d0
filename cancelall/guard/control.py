"""The way to a running guard: a UNIX socket that its own user and root may speak to, one JSON line each way.

`ControlServer` is the guard's end, on its event loop; `ask` is that of the commands, and blocks.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import stat
import struct
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

from cancelall.core.dataclass import dataclass
from cancelall.core.errors import CancelallError, ConfigError, ErrorKind, ExitStatus, bug_words
from cancelall.core.quoting import quoted, quoted_path
from cancelall.guard.codec import from_json, to_json
from cancelall.guard.model import GuardStatus
from cancelall.guard.records import guard_places

VERSION = 1
"""Of the lines' shape."""
REQUEST_LIMIT = 4096
"""Bytes of a request."""
ANSWER_LIMIT = 4 << 20
"""Bytes of an answer: a thousand profiles have a tenth of it."""
PATIENCE = 2.0
"""Seconds that a request may take to come, and an answer to be taken."""
AT_MOST = 16
"""Connections at a time."""
SECONDS = 5.0
"""What a command waits for an answer."""
DRILL_SECONDS = 900.0
"""The same for a drill, which waits for a venue's own switch."""
_MACHINES = (Path("/run/cancelall-guard"), Path("/run/cancelall"))
"""Where the units have their sockets, and a guard that root starts by hand."""
_NEEDS_UNIX = "the commands of a guard need UNIX sockets, which this system does not have"

Verb = Literal["status", "arm", "disarm", "fire", "drill"]


class NoGuard(CancelallError):
    """No guard runs that could answer."""

    kind: ErrorKind = "config"
    status = ExitStatus.NO_GUARD


@dataclass(frozen=True, kw_only=True)
class DrillRequest:
    """What a drill may do."""

    profile: str = ""
    """Which profile; empty: every one that has a switch of its own."""
    order: str = ""
    """The id of an order of the user's own that the venue's switch may cancel. Empty: the rehearsal, which cancels
    nothing."""


@dataclass(frozen=True, kw_only=True)
class DrillAnswer:
    """What a drill has shown."""

    ok: bool
    lines: tuple[str, ...]
    """For people."""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """Who speaks to a guard."""

    uid: int | None
    """None where the system does not tell."""
    pid: int | None = None

    @property
    def words(self) -> str:
        """Who it is, for journal and screen."""
        user = "somebody" if self.uid is None else f"user {self.uid}"
        return f"{user}, process {self.pid}" if self.pid else user


class ControlHandlers(Protocol):
    """What a guard does when it is told to. What cannot be done raises CancelallError, whose line is the answer."""

    def status(self) -> GuardStatus:
        """How it stands."""

    def arm(self, peer: Peer) -> None:
        """Demand beats from now on, also after a kill."""

    def disarm(self, peer: Peer) -> None:
        """Let silence and death fire nothing."""

    def fire(self, peer: Peer, reason: str) -> None:
        """Fire. It returns when that is written down and the cancels are on their way."""

    async def drill(self, peer: Peer, request: DrillRequest) -> DrillAnswer:
        """Show that it would work."""


def socket_path(directory: Path, name: str) -> Path:
    """The socket of a guard, in the directory of its record."""
    return directory / f"guard-{name}.sock"


# --- the guard's end ---


class ControlServer:
    """Answers commands, and never for long: whoever is slow, or says too much, is cut off."""

    def __init__(self, path: Path, handlers: ControlHandlers, *, uid: int | None = None) -> None:
        """`uid` may speak to it, besides root; by default who runs the guard."""
        self.path = path
        self._handlers = handlers
        self._uid = uid if uid is not None else os.geteuid() if hasattr(os, "geteuid") else None
        self._server: asyncio.Server | None = None
        self._inode: int | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen. The caller is the only guard of its name, so that a socket that is there is a dead one's.

        Raises ConfigError. Without UNIX sockets it does nothing: there are no commands then.
        """
        if not hasattr(socket, "AF_UNIX") or sys.platform == "win32":
            return
        try:
            there = self.path.lstat()
        except FileNotFoundError:
            there = None
        except OSError as fault:
            raise self._unusable(fault) from None
        if there is not None and not stat.S_ISSOCK(there.st_mode):
            raise ConfigError(f"{self.path} is there and no socket", "take it away, and start the guard again")
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with contextlib.suppress(FileNotFoundError):
                temporary.unlink()
            listening.bind(str(temporary))
            temporary.chmod(0o600)
            listening.listen(AT_MOST)
            listening.setblocking(False)
            self._inode = temporary.stat().st_ino
            temporary.replace(self.path)
        except OSError as fault:
            listening.close()
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise self._unusable(fault) from None
        self._server = await asyncio.start_unix_server(self._accepted, sock=listening, limit=REQUEST_LIMIT)

    async def close(self) -> None:
        """Listen no more. Its socket goes, unless another guard has made one of its own meanwhile."""
        if self._server is not None:
            self._server.close()
            self._server = None
            with contextlib.suppress(OSError):
                if self.path.lstat().st_ino == self._inode:
                    self.path.unlink()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # what is closed is gone with the next turn of the loop

    def _unusable(self, fault: OSError) -> ConfigError:
        where = quoted_path(str(self.path.parent))
        return ConfigError(f"no socket can be made in {where}: {fault.strerror or fault}", "use a shorter path")

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._tasks) >= AT_MOST:
            writer.transport.abort()
            return
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            peer = peer_of(writer.get_extra_info("socket"))
            if peer.uid is not None and peer.uid not in (0, self._uid):
                return  # whoever it is gets no word
            async with asyncio.timeout(PATIENCE):
                line = await reader.readline()
            answer = await self._answer(peer, line) if line else b""
            async with asyncio.timeout(PATIENCE):
                writer.write(answer)
                await writer.drain()
        except (OSError, ValueError, TimeoutError):  # gone, too long, too slow
            return
        finally:
            writer.close()

    async def _answer(self, peer: Peer, line: bytes) -> bytes:
        try:
            said = _request(line)
            answer: dict[str, object] = {"v": VERSION, "ok": True, **await self._done(peer, said)}
        except CancelallError as error:
            answer = _refusal(error)
        except Exception as fault:  # a bug in here must not end a guard
            answer = _refusal(CancelallError(bug_words(fault), "please report it"))
        return json.dumps(answer, separators=(",", ":")).encode("ascii") + b"\n"

    async def _done(self, peer: Peer, said: Mapping[str, Any]) -> Mapping[str, object]:
        match said["do"]:
            case "arm":
                self._handlers.arm(peer)
            case "disarm":
                self._handlers.disarm(peer)
            case "fire":
                reason = said.get("reason")
                self._handlers.fire(peer, reason if isinstance(reason, str) else "")
            case "drill":
                try:
                    request = from_json(DrillRequest, said.get("drill", {}))
                except ValueError as fault:
                    raise ConfigError(f"the drill cannot be read: {fault}") from None
                return {"drill": to_json(await self._handlers.drill(peer, request))}
        return {"status": to_json(self._handlers.status())}


def _refusal(error: CancelallError) -> dict[str, object]:
    words = {"message": error.message, "hint": error.hint}
    return {"v": VERSION, "ok": False, "kind": error.kind, "status": int(error.status), **words}


def _request(line: bytes) -> Mapping[str, Any]:
    """What somebody wants. Raises ConfigError for what is no request."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict) or not line.endswith(b"\n"):
        raise ConfigError("it is no request", "use: cancelall guard status")
    if said.get("v") != VERSION:
        raise ConfigError("it is a request of another version", "use the cancelall that the guard runs")
    if said.get("do") not in ("status", "arm", "disarm", "fire", "drill"):
        raise ConfigError("it is no request that is known", "use the cancelall that the guard runs")
    return said


def peer_of(connection: Any) -> Peer:
    """Who is at the other end of a UNIX socket, as far as the system tells."""
    try:
        if hasattr(socket, "SO_PEERCRED"):
            raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            pid, uid, _ = struct.unpack("3i", raw)
            return Peer(uid=uid, pid=pid)
        if sys.platform == "darwin":  # LOCAL_PEERCRED of sys/un.h, struct xucred of sys/ucred.h
            _, uid = struct.unpack_from("=II", connection.getsockopt(0, 1, 76))
            return Peer(uid=uid)
    except (OSError, AttributeError, struct.error):
        return Peer(uid=-1)
    return Peer(uid=None)


# --- the end of the commands ---


def directories(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Where sockets of guards can be, as this user would find them: those of units, and his own."""
    return guard_places(environ, _MACHINES)


def running(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The names of guards that listen. Sockets of those that have died are left out."""
    names: list[str] = []
    for place in directories(environ):
        with contextlib.suppress(OSError):
            names += [path.name[len("guard-") : -len(".sock")] for path in sorted(place.glob("guard-*.sock"))]
    return tuple(name for name in dict.fromkeys(names) if _listens(environ, name))


def _listens(environ: Mapping[str, str], name: str) -> bool:
    try:
        _connected(environ, name).close()
    except NoGuard as error:
        return "run as" in error.hint  # somebody else's
    return True


def ask(environ: Mapping[str, str], name: str, verb: Verb, **more: object) -> Mapping[str, Any]:
    """The answer of the guard of this name. Blocks for some seconds at most.

    Raises NoGuard where none runs or none answers, and CancelallError with what a guard says that cannot do it.
    """
    if not hasattr(socket, "AF_UNIX"):
        raise NoGuard(_NEEDS_UNIX)
    until = time.monotonic() + (DRILL_SECONDS if verb == "drill" else SECONDS)
    line = json.dumps({"v": VERSION, "do": verb, **more}, separators=(",", ":")).encode("ascii") + b"\n"
    if len(line) > REQUEST_LIMIT:
        raise ConfigError("the reason is too long", "a guard takes some 3,000 characters")
    connection = _connected(environ, name)
    with connection:
        answer = _exchanged(connection, line, until)
    if answer is None:
        raise NoGuard(f"the guard {quoted(name)} does not answer", "it hangs, or it is another user's: restart it")
    return _read_answer(answer)


def status_of(environ: Mapping[str, str], name: str, verb: Verb = "status", **more: object) -> GuardStatus:
    """How a guard stands, after it has done what it was told. Raises as `ask`."""
    answer = ask(environ, name, verb, **more)
    try:
        return from_json(GuardStatus, answer.get("status"))
    except ValueError as fault:
        raise NoGuard(f"the guard {quoted(name)} says what cannot be read: {fault}", _SAME_VERSION) from None


def drill(environ: Mapping[str, str], name: str, request: DrillRequest) -> DrillAnswer:
    """What a drill shows. Raises as `ask`."""
    answer = ask(environ, name, "drill", drill=to_json(request))
    try:
        return from_json(DrillAnswer, answer.get("drill"))
    except ValueError as fault:
        raise NoGuard(f"the guard {quoted(name)} says what cannot be read: {fault}", _SAME_VERSION) from None


_SAME_VERSION = "restart it with this version of cancelall"


def _connected(environ: Mapping[str, str], name: str) -> socket.socket:
    """A connection to the first socket that somebody listens on. Raises NoGuard."""
    denied = ""
    for place in directories(environ):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(PATIENCE)
        try:
            connection.connect(str(socket_path(place, name)))
        except PermissionError:
            denied = f"{socket_path(place, name)} is not for you"
        except OSError:
            pass  # none there, or a dead one's
        else:
            return connection
        connection.close()
    hint = f"{denied}: run as its user or as root" if denied else "start it: cancelall guard"
    raise NoGuard(f"no guard {quoted(name)} runs here", hint)


def _exchanged(connection: socket.socket, line: bytes, until: float) -> bytes | None:
    """The answer to a line; None where none comes in time."""
    parts: list[bytes] = []
    size = 0
    try:
        connection.sendall(line)
        while not parts or not parts[-1].endswith(b"\n"):
            connection.settimeout(max(0.01, until - time.monotonic()))
            part = connection.recv(1 << 16)
            size += len(part)
            if not part or size > ANSWER_LIMIT:
                return None
            parts.append(part)
    except OSError:
        return None
    return b"".join(parts)


def _read_answer(raw: bytes) -> Mapping[str, Any]:
    try:
        answer = json.loads(raw)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict) or answer.get("v") != VERSION:
        raise NoGuard("a guard of another version runs", _SAME_VERSION)
    if answer.get("ok") is True:
        return answer
    error = ConfigError(str(answer.get("message") or "it cannot be done"), str(answer.get("hint") or ""))
    number = answer.get("status")
    error.status = ExitStatus(number) if number in set(ExitStatus) else ExitStatus.UNCONFIGURED
    raise error
