"""A keyring of this process alone, which can be told to fail."""

from __future__ import annotations

from collections.abc import Callable

import keyring.backend
import keyring.errors


class Memory(keyring.backend.KeyringBackend):
    """A plug-in from elsewhere: nobody knows whether it encrypts."""

    priority = -1  # type: ignore[assignment] - never chosen by detection

    def __init__(self, items: dict[str, str] | None = None) -> None:
        super().__init__()
        self.items = dict(items or {})
        self.writes = 0
        self.on_write: Callable[[int], object] = lambda number: None
        """Called with the number of each write or removal, before it is done."""

    def get_password(self, service: str, username: str) -> str | None:
        assert service == "cancelall"
        return self.items.get(username)

    def set_password(self, service: str, username: str, password: str) -> None:
        assert service == "cancelall"
        self.writes += 1
        self.on_write(self.writes)
        self.items[username] = password

    def delete_password(self, service: str, username: str) -> None:
        assert service == "cancelall"
        self.writes += 1
        self.on_write(self.writes)
        if self.items.pop(username, None) is None:
            raise keyring.errors.PasswordDeleteError("No such password!")


class Encrypted(Memory):
    """One of keyring's own."""


Encrypted.__module__ = "keyring.backends.SecretService"
