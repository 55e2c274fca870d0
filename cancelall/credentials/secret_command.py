"""Secrets that commands print: all those of a profile at the same time, no shell, bounded in time and size.

What a command says besides is not repeated: where it fails it may well say the secret. A child that it leaves behind,
an agent for instance, may keep its output open: what counts is that the command itself has ended.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from typing import IO, cast

from cancelall.core.dataclass import dataclass, field
from cancelall.core.errors import SecretError
from cancelall.core.quoting import quoted

OUTPUT_LIMIT = 16 << 10
"""Bytes of a secret."""
_PASSED_ON = (
    *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "DBUS_SESSION_BUS_ADDRESS", "SystemRoot"),
    *("XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "GNUPGHOME", "GPG_TTY", "PASSWORD_STORE_DIR"),
    *("SSH_AUTH_SOCK", "VAULT_ADDR", "VAULT_TOKEN", "OP_SERVICE_ACCOUNT_TOKEN", "BW_SESSION"),
)
"""What a command sees of our environment: never the secrets of other profiles."""
_LOOK = 0.01
"""Seconds between two looks at a command where the system does not tell that it has ended."""
_LAST_READ = 0.2
"""Seconds for what an ended command has printed, where a pipe cannot be read without waiting."""

Printed = bytes | SecretError


@dataclass
class _Child:
    """A secret command that runs."""

    name: str
    process: subprocess.Popen[bytes]
    printed: bytearray = field(default_factory=bytearray)
    handle: int | None = None
    """Becomes readable when the command ends; None where there is no such thing."""
    closed: bool = False
    """The command has closed its output."""

    @property
    def output(self) -> int:
        """The pipe that it prints to."""
        return cast(IO[bytes], self.process.stdout).fileno()

    def result(self) -> Printed:
        """What it printed, once it has ended or printed too much."""
        code = self.process.returncode
        if len(self.printed) > OUTPUT_LIMIT:
            problem = f"{self.name} printed more than {OUTPUT_LIMIT >> 10} KiB"
            return SecretError(problem, "is it the right command?")
        if code != 0:
            return SecretError(f"{self.name} ended with code {code}", "run it by hand to see why")
        return bytes(self.printed)


def name_of(secret: str, words: tuple[str, ...]) -> str:
    """A command in words: its program alone, the others may open a safe."""
    return f"secret_command of {secret} ({quoted(words[0])})"


def ask(
    commands: Mapping[str, tuple[str, ...]],
    needed: frozenset[str],
    environ: Mapping[str, str],
    *,
    seconds: float,
    grace: float,
) -> Mapping[str, Printed]:
    """What each secret's command prints, or why it gave none.

    They have so many seconds together. When all that are needed have answered, the others have `grace` left.
    """
    printed: dict[str, Printed] = {}
    children: dict[str, _Child] = {}
    for secret, words in commands.items():
        try:
            children[secret] = _started(name_of(secret, words), words, environ)
        except SecretError as error:
            printed[secret] = error
    until = time.monotonic() + seconds
    try:
        ended = _as_they_end if hasattr(os, "set_blocking") and os.name == "posix" else _in_threads
        for secret in ended(children, needed - set(printed), until, grace):
            printed[secret] = children[secret].result()
    finally:
        for secret, child in children.items():
            if secret not in printed:
                waited = seconds if secret in needed else grace
                printed[secret] = SecretError(
                    f"{child.name} did not end within {waited:g} s", "does it ask for something?"
                )
            _leave(child)
    return printed


def _started(name: str, words: tuple[str, ...], environ: Mapping[str, str]) -> _Child:
    try:
        process = subprocess.Popen(  # noqa: S603 - the user's own argument list
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={key: environ[key] for key in _PASSED_ON if key in environ},
            start_new_session=True,
        )
    except (OSError, ValueError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "it cannot be run"
        raise SecretError(f"{name} could not be started: {reason}", "correct secret_command") from None
    child = _Child(name=name, process=process)
    if hasattr(os, "pidfd_open"):
        with contextlib.suppress(OSError):
            child.handle = os.pidfd_open(process.pid)
    return child


def _as_they_end(children: Mapping[str, _Child], needed: frozenset[str], until: float, grace: float) -> Iterator[str]:
    """The secrets whose commands have ended, or printed too much, one after the other, until the time is over."""
    import select

    left, hurried = dict(children), False
    for child in left.values():
        os.set_blocking(child.output, False)
    while left:
        if not hurried and not needed & set(left):
            until, hurried = min(until, time.monotonic() + grace), True
        watched = select.poll()
        for child in left.values():
            for descriptor in (None if child.closed else child.output, child.handle):
                if descriptor is not None:
                    watched.register(descriptor, select.POLLIN)
        wait = until - time.monotonic()
        if wait <= 0:
            return
        watched.poll(1000 * (wait if all(child.handle is not None for child in left.values()) else min(wait, _LOOK)))
        for secret, child in list(left.items()):
            over = child.process.poll() is not None  # before the last read, which then finds all that it printed
            _read(child)
            if over or len(child.printed) > OUTPUT_LIMIT:
                del left[secret]
                yield secret


def _read(child: _Child) -> None:
    """Take what is in the pipe, without waiting for more."""
    while not child.closed and len(child.printed) <= OUTPUT_LIMIT:
        try:
            part = os.read(child.output, OUTPUT_LIMIT)
        except BlockingIOError:
            return
        except OSError:
            part = b""
        child.closed = not part
        child.printed += part


def _in_threads(children: Mapping[str, _Child], needed: frozenset[str], until: float, grace: float) -> Iterator[str]:
    """The secrets whose commands have ended, one by one, where pipes cannot be watched: a thread reads each."""

    def drain(child: _Child) -> None:
        while len(child.printed) <= OUTPUT_LIMIT and (part := os.read(child.output, OUTPUT_LIMIT)):
            child.printed += part
        if len(child.printed) > OUTPUT_LIMIT:
            child.process.kill()

    readers = {secret: threading.Thread(target=drain, args=(child,), daemon=True) for secret, child in children.items()}
    for reader in readers.values():
        reader.start()
    for secret in sorted(children, key=lambda secret: secret not in needed):
        limit = until if secret in needed else min(until, time.monotonic() + grace)
        try:
            children[secret].process.wait(max(0.0, limit - time.monotonic()))
        except subprocess.TimeoutExpired:
            continue
        readers[secret].join(_LAST_READ)
        yield secret


def _leave(child: _Child) -> None:
    """Let go of a command; with its whole process group, if it has not ended by itself."""
    process = child.process
    if process.poll() is None:
        try:
            if os.name == "posix":
                import signal

                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
            process.wait(1)
        except (OSError, subprocess.TimeoutExpired):
            pass
    with contextlib.suppress(OSError):
        if process.stdout is not None and (os.name == "posix" or child.closed):
            process.stdout.close()
    if child.handle is not None:
        os.close(child.handle)
