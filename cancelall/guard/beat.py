"""Beats for a guard: one, or for as long as a command lives. Little is imported: a bot may call this every second.

A beat is a datagram without content to the socket `guard-NAME.beat` of the guard. Sending never waits: a guard that
does not read them for a while gets them later, and one that went away must not stop a bot.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from cancelall.core.errors import CancelallError, ErrorKind, ExitStatus
from cancelall.core.files import state_directories

_MACHINES = ("/run/cancelall", "/run/cancelall-guard")
"""Where the units have a guard's sockets, and where it has its own."""
_SUFFIX = ".beat"
_NOT_FOUND, _NOT_RUNNABLE = 127, 126
"""What a shell answers for a command that is not there, or is none."""
_FORWARDED = ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
_OF_TERMINAL = ("SIGINT", "SIGQUIT", "SIGHUP")
"""A terminal sends these to everybody in the foreground: the command has them already."""
_PING = b"WATCHDOG=1"


class NoBeatTaken(CancelallError):
    """No guard runs that takes beats."""

    kind: ErrorKind = "config"
    status = ExitStatus.NO_GUARD


def directories(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Where the socket of a guard can be, which runs as this user, or as a unit of the machine's."""
    runtime = environ.get("XDG_RUNTIME_DIR")
    places = [*(environ.get("RUNTIME_DIRECTORY") or "").split(":")[:1], *_MACHINES]
    places += [f"{runtime}/cancelall"] if runtime else []
    return tuple(dict.fromkeys((*(Path(one) for one in places if one), *state_directories(environ))))


class Beats:
    """Sends beats to one guard."""

    def __init__(self, name: str | None, environ: Mapping[str, str]) -> None:
        """Without a name it is the guard that is called default, or the only one that takes beats.

        Raises CancelallError where there are no such sockets.
        """
        if not hasattr(socket, "AF_UNIX"):
            raise NoBeatTaken("beats need UNIX sockets, which this system does not have", "touch a heartbeat file")
        self._name = name
        self._directories = directories(environ)

    def send(self) -> None:
        """Send one. Raises NoBeatTaken when no guard takes it."""
        self._first(lambda made, path: made.sendto(b"", path))

    def check(self) -> None:
        """Raise NoBeatTaken when no guard would take one."""
        self._first(lambda made, path: made.connect(path))

    def _first(self, act: Callable[[socket.socket, str], object]) -> None:
        """Do this with the first socket that somebody listens on."""
        refused = ""
        for path in self._paths():
            try:
                with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
                    made.setblocking(False)
                    act(made, str(path))
                return
            except BlockingIOError:  # its queue is full: it has beats enough
                return
            except OSError as fault:
                if fault.errno in (errno.EACCES, errno.EPERM):
                    refused = refused or str(path)
        whose = f'guard "{self._name}"' if self._name is not None else "guard"
        if refused:
            raise NoBeatTaken(
                f"this user may not beat: {refused}", "run it as the guard's user, or share its directory"
            )
        raise NoBeatTaken(f"no {whose} runs that takes beats", 'start it, with heartbeat = ["beat"]')

    def _paths(self) -> list[Path]:
        """Sockets to try. Raises NoBeatTaken where several guards could be meant."""
        if self._name is not None:
            return [one / f"guard-{self._name}{_SUFFIX}" for one in self._directories]
        paths = [one / f"guard-default{_SUFFIX}" for one in self._directories]
        if any(map(_is_live, paths)):
            return paths
        others = [one for place in self._directories for one in _sockets(place) if _is_live(one)]
        names = sorted({one.name.removeprefix("guard-").removesuffix(_SUFFIX) for one in others})
        if len(names) > 1:
            raise NoBeatTaken("several guards take beats", f"add --name with one of: {', '.join(names)}")
        return [*paths, *others]


def _sockets(place: Path) -> list[Path]:
    try:
        return sorted(place.glob(f"guard-*{_SUFFIX}"))
    except OSError:
        return []


def _is_live(path: Path) -> bool:
    """Whether somebody listens there, or would if one were allowed to ask."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
            made.connect(str(path))
    except OSError as fault:
        return fault.errno in (errno.EACCES, errno.EPERM)
    return True


class Command:
    """A command that is run, and for which beats are sent as long as it is well.

    It is well while it lives and is not stopped; with `watchdog`, only when it says `WATCHDOG=1` itself, as to
    systemd: sd_notify(3). What else it says there goes on to whoever this program itself reports to.
    """

    def __init__(
        self,
        words: Sequence[str],
        beats: Beats,
        environ: Mapping[str, str],
        *,
        every: float,
        watchdog: bool = False,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._words, self._beats, self._every, self._say = list(words), beats, every, say
        self._environ = dict(environ)
        self._outer = self._environ.get("NOTIFY_SOCKET", "")
        self._watchdog = watchdog
        self._notify: socket.socket | None = None
        self._well = True
        self._missed = False
        self._last = float("-inf")
        self._pid = 0
        self._waiting: list[int] = []
        """Signals that came before there was a command."""
        self._before: dict[int, Any] = {}

    def run(self) -> int:
        """Run it; its exit status, or 128 and the number of the signal that ended it, as in a shell.

        Without a guard that takes beats it is not started: raises NoBeatTaken.
        """
        self._beats.check()
        folder = self._listen() if self._watchdog else None
        reader, writer = os.pipe()
        try:
            os.set_blocking(reader, False)
            os.set_blocking(writer, False)
            self._take_signals(writer)
            try:
                self._pid = os.posix_spawnp(
                    self._words[0], self._words, self._environ, setsigdef=[signal.SIGPIPE, signal.SIGXFSZ]
                )
            except OSError as fault:
                self._say(f"{self._words[0]}: {fault.strerror}")
                self._pid = -1
                return _NOT_FOUND if isinstance(fault, FileNotFoundError) else _NOT_RUNNABLE
            for number in self._waiting:
                self._forward(number, None)
            return self._follow(reader)
        finally:
            self._give_signals_back()
            os.close(reader)
            os.close(writer)
            if self._notify is not None:
                self._notify.close()
            if folder is not None:
                folder.cleanup()

    def _follow(self, reader: int) -> int:
        """Beat until it ends."""
        waited_for: list[int | socket.socket] = [reader, *([self._notify] if self._notify is not None else [])]
        while True:
            ended = self._look()
            if ended is not None:
                return ended
            left = None
            if not self._watchdog and self._well:
                if time.monotonic() >= self._last + self._every:
                    self._beat()
                left = max(0.0, self._last + self._every - time.monotonic())
            ready = select.select(waited_for, [], [], left)[0]
            if reader in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(reader, 512)
            if self._notify in ready:
                self._take_words()

    def _look(self) -> int | None:
        """Its exit status if it has ended; whether it is stopped."""
        while True:
            number, status = os.waitpid(self._pid, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
            if not number:
                return None
            if os.WIFSTOPPED(status) or os.WIFCONTINUED(status):
                self._well = not os.WIFSTOPPED(status)
                continue
            self._pid = -1
            return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)

    def _beat(self) -> None:
        """Send one, and say when none is taken any more, or is again."""
        self._last = time.monotonic()
        try:
            self._beats.send()
        except NoBeatTaken as error:
            if not self._missed:
                self._say(error.line)
            self._missed = True
            return
        if self._missed:
            self._say("a guard takes beats again")
        self._missed = False

    # --- the command's own word ---

    def _listen(self) -> Any:
        """Have it speak to us; the folder of the socket."""
        import tempfile

        folder = tempfile.TemporaryDirectory(prefix="cancelall-")
        path = f"{folder.name}/notify"
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(path)
        self._notify.setblocking(False)
        self._environ.update(NOTIFY_SOCKET=path, WATCHDOG_USEC=str(int(2e6 * self._every)))
        self._environ.pop("WATCHDOG_PID", None)
        return folder

    def _take_words(self) -> None:
        pinged = False
        for _ in range(256):
            try:
                said = self._notify.recv(4096) if self._notify is not None else b""
            except OSError:
                break
            pinged |= _PING in said.split(b"\n")
            self._pass_on(said)
        if pinged and self._well:
            self._beat()

    def _pass_on(self, said: bytes) -> None:
        if self._outer:
            address = f"\0{self._outer[1:]}" if self._outer.startswith("@") else self._outer
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
                made.setblocking(False)
                made.sendto(said, address)

    # --- signals ---

    def _take_signals(self, writer: int) -> None:
        """Wake for each, and hand on what is for the command. What was ignored stays ignored, for it, too."""
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda number, frame: None)
        for name in _FORWARDED:
            number = getattr(signal, name)
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._forward)

    def _give_signals_back(self) -> None:
        signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _forward(self, number: int, frame: FrameType | None) -> None:
        if not self._pid:
            self._waiting.append(number)
        elif self._pid > 0 and not (signal.Signals(number).name in _OF_TERMINAL and _in_foreground()):
            with contextlib.suppress(OSError):
                os.kill(self._pid, number)


def _in_foreground() -> bool:
    """Whether this program is in the foreground of a terminal, where keys reach the command as well."""
    for stream in (sys.stdin, sys.stderr, sys.stdout):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            return os.tcgetpgrp(stream.fileno()) == os.getpgrp()
    return False
