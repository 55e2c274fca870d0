"""The OS keyring: which back-ends are trusted, and read, write and remove one item of it, each bounded in time.

A locked collection with nobody to answer, or a service that never answers, hangs for ever: everything happens in
threads that can be abandoned. This is the only module that knows keyring.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from cancelall.core.dataclass import dataclass
from cancelall.core.errors import SecretError
from cancelall.core.secret import Secret, scrub

T = TypeVar("T")
Doing = Literal["using", "reading", "writing", "removing"]

if TYPE_CHECKING:
    from cancelall.credentials.secret_service import Connection

SERVICE = "cancelall"
"""Service name in the OS keyring; the user name is `<profile>.<field>`."""
TRUSTED = (
    "keyring.backends.SecretService.",
    "keyring.backends.libsecret.",
    "keyring.backends.kwallet.",
    "keyring.backends.macOS.",
    "keyring.backends.Windows.",
)
"""Back-ends that encrypt what they keep."""
_READ_DIRECTLY = "keyring.backends.SecretService.Keyring"
_PROPERTY = "KEYRING_PROPERTY_"
"""With a variable of this kind keyring is told to look elsewhere: then it reads."""
_KEEP_NOTHING = ("keyring.backends.fail.", "keyring.backends.null.")
_CHAINER = "keyring.backends.chainer."
_FAILED: dict[Doing, tuple[str, str]] = {
    "using": ("cannot be used", "did not answer"),
    "reading": ("could not be read", "was not given"),
    "writing": ("could not be written", "was not taken"),
    "removing": ("could not be removed", "was not removed"),
}
"""What is said when it fails, and when it does not come to an end."""
_OTHERS = "use the credentials directory, the environment or secret_command"
_NO_BUS = ("FileNotFoundError", "ConnectionRefusedError", "ConnectionResetError", "PermissionError", "TimeoutError")
"""What a socket of a bus raises that nobody, or nobody for us, listens to."""
_COPIES = 8
"""A back-end may hold an item more than once; more copies than this are not looked for."""


class Late(SecretError):
    """The keyring did not answer in time. What it was to do may still happen."""


def bounded(
    what: str, doing: Doing, work: Callable[[], T], seconds: float, waiting: Callable[[], None] | None = None
) -> T:
    """The result of work on the keyring or one item of it, in a thread.

    `waiting` is called once when it takes more than a second.
    Raises SecretError when the keyring fails, Late when it does not answer in time; the thread is left behind then.
    """
    result: list[T] = []
    problem: list[SecretError] = []
    failed, late = _FAILED[doing]

    def run() -> None:
        try:
            result.append(work())
        except SecretError as error:
            problem.append(SecretError(f"{what} {failed}: {error.message}", error.hint or _cure("")))
        except Exception as fault:  # back-ends are plug-ins and raise anything
            words = f"{type(fault).__name__}: {scrub(str(fault))[:150]}"
            problem.append(SecretError(f"{what} {failed}: {words}", _cure(words)))

    thread = threading.Thread(target=run, name="keyring", daemon=True)
    thread.start()
    thread.join(min(1.0, seconds) if waiting is not None else seconds)
    if waiting is not None and thread.is_alive() and seconds > 1.0:
        waiting()
        thread.join(seconds - 1.0)
    if problem:
        raise problem[0]
    if not result:
        raise Late(f"{what} {late} within {seconds:g} s: is the keyring locked?", f"unlock it, or {_OTHERS}")
    return result[0]


def item_of(profile: str, field: str) -> str:
    """What messages call the item of a field."""
    return f"the keyring item {SERVICE}/{profile}.{field}"


def _cure(message: str) -> str:
    """What to do about a fault; D-Bus and its libraries have no code for it, only words."""
    no_service = (
        "DBUS_SESSION_BUS_ADDRESS",
        "SecretServiceNotAvailable",
        "Unable to initialize SecretService",
        "neither running nor activatable",
    )
    if any(words in message for words in no_service) or message.startswith(_NO_BUS):
        return f"there is no keyring in this session: {_OTHERS}"
    if message.startswith(("ModuleNotFoundError", "AttributeError", "ImportError")):
        return f"correct keyring_backend, or {_OTHERS}"
    return f"unlock the keyring, or {_OTHERS}"


# --- back-ends ------------------------------------------------------------------------------------------------------


class KeyringReader:
    """Reads items from the configured back-end, else from the detected ones, one after the other.

    A kill reads the Secret Service without keyring's imports and on one connection, when it is configured by its name.
    """

    def __init__(self, backend: str | None) -> None:
        self._backend = backend
        self._direct: Connection | None = None

    def read(self, profile: str, field: str, seconds: float) -> str | None:
        """An item; None when there is none, or no keyring at all. Raises SecretError, and Late after the seconds."""
        return bounded(item_of(profile, field), "reading", lambda: self._read(f"{profile}.{field}"), seconds)

    def close(self) -> None:
        """Close the connection to the Secret Service, if one was opened."""
        direct, self._direct = self._direct, None
        if direct is not None:
            direct.close()

    def _read(self, user: str) -> str | None:
        try:
            if self._backend == _READ_DIRECTLY and not any(name.startswith(_PROPERTY) for name in os.environ):
                text = self._read_directly(user)
            else:
                values = (one.get_password(SERVICE, user) for one in readable(self._backend))
                text = next((text for text in values if text), None)
        except Exception as fault:
            if type(fault).__name__ == "NoKeyringError":
                return None  # a machine without a keyring has no item in it
            raise
        if not isinstance(text, str | None):
            raise TypeError("the back-end gave something else than text")
        return text

    def _read_directly(self, user: str) -> str | None:
        from cancelall.credentials.secret_service import Connection

        # A read that fails or is left behind keeps its connection to itself: the next one opens another.
        direct, self._direct = self._direct or Connection(), None
        text = direct.get_password(SERVICE, user)
        self._direct = direct
        return text


def readable(backend: str | None) -> list[Any]:
    """The configured back-end without detection, else the detected ones that keep secrets encrypted."""
    import keyring.core

    if backend:
        return [keyring.core.load_keyring(backend)]
    backends = _detected()
    trusted = [one for one in backends if name_of(one).startswith((*TRUSTED, *_KEEP_NOTHING))]
    if not trusted:
        names = ", ".join(map(name_of, backends))
        raise SecretError(
            f"the keyring back-end {names} may store secrets unencrypted: name it in keyring_backend to use it"
        )
    return trusted


def _detected() -> list[Any]:
    import keyring

    backend: Any = keyring.get_keyring()
    several = name_of(backend).startswith(_CHAINER)  # which asks all that is installed, unencrypted plug-ins too
    return list(backend.backends) if several else [backend]


def names(backend: str | None) -> tuple[str, ...]:
    """The back-ends that a read asks, each with the file that it was loaded from. Raises SecretError.

    Loading one can take as long as reading: this is for those who have just read.
    """
    try:
        backends = readable(backend)
    except SecretError:
        raise
    except Exception as fault:  # back-ends are plug-ins and raise anything
        raise SecretError(f"the keyring cannot be loaded ({type(fault).__name__})", "correct keyring_backend") from None
    return tuple(
        f"{name_of(one)} ({getattr(sys.modules.get(type(one).__module__), '__file__', '')})" for one in backends
    )


def name_of(backend: object) -> str:
    """The name of a back-end's class, as keyring_backend has it."""
    return f"{type(backend).__module__}.{type(backend).__qualname__}"


# --- writing --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Store:
    """The one back-end that a profile's secrets are written to and removed from."""

    backend: Any
    seconds: float
    waiting: Callable[[], None] | None = None

    @property
    def name(self) -> str:
        """Its class, as keyring_backend has it."""
        return name_of(self.backend)

    @property
    def encrypts(self) -> bool:
        """Whether it is known to keep secrets encrypted."""
        return self.name.startswith(TRUSTED)

    def get(self, profile: str, field: str) -> Secret | None:
        """What an item holds. Raises SecretError."""
        user = f"{profile}.{field}"
        text = self._do(profile, field, "reading", lambda: self.backend.get_password(SERVICE, user))
        return Secret(text) if isinstance(text, str) and text else None

    def put(self, profile: str, field: str, secret: Secret) -> None:
        """Write an item and read it back. Raises SecretError."""
        user = f"{profile}.{field}"
        self._do(profile, field, "writing", lambda: self.backend.set_password(SERVICE, user, secret.reveal()))
        if self.get(profile, field) != secret:
            raise SecretError(f"{item_of(profile, field)} does not hold what was written to it ({self.name})", _OTHERS)

    def remove(self, profile: str, field: str) -> bool:
        """Remove an item, all copies of it; false when there was none. Raises SecretError."""
        user = f"{profile}.{field}"
        for copy in range(_COPIES):
            if self.get(profile, field) is None:
                return copy > 0
            self._do(profile, field, "removing", lambda: self.backend.delete_password(SERVICE, user))
        raise SecretError(f"{item_of(profile, field)} is still there after it was removed", "remove it by hand")

    def _do(self, profile: str, field: str, doing: Doing, work: Callable[[], T]) -> T:
        return bounded(item_of(profile, field), doing, work, self.seconds, self.waiting)


def writable(
    backend: str | None, seconds: float, *, plaintext: bool = False, waiting: Callable[[], None] | None = None
) -> Store:
    """The configured back-end, else the first that encrypts, or with `plaintext` any. Raises SecretError for none."""

    def find() -> Any:  # a back-end
        import keyring.core

        backends = [keyring.core.load_keyring(backend)] if backend else _detected()
        return _chosen(backends, plaintext=plaintext or backend is not None)

    usable = bounded("the keyring", "using", find, seconds, waiting)
    return Store(backend=usable, seconds=seconds, waiting=waiting)


def _chosen(backends: Sequence[Any], *, plaintext: bool) -> Any:  # a back-end
    keeping = [one for one in backends if not name_of(one).startswith(_KEEP_NOTHING)]
    good = [one for one in keeping if name_of(one).startswith(TRUSTED)]
    if good or (plaintext and keeping):
        return (good or keeping)[0]
    if keeping:
        names = ", ".join(map(name_of, keeping))
        raise SecretError(
            f"{names} may store secrets unencrypted", f"{_OTHERS}; --allow-plaintext uses it all the same"
        )
    unset = sys.platform == "linux" and not os.environ.get("DBUS_SESSION_BUS_ADDRESS")
    why = " (DBUS_SESSION_BUS_ADDRESS is not set)" if unset else ""
    raise SecretError(f"this session has none that keeps anything{why}", _OTHERS)
