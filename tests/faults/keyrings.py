"""Back-ends of a keyring as they are met in the field. Their priority keeps them from ever being detected."""

from __future__ import annotations

import threading

import keyring.backend
import keyring.errors


class _Backend(keyring.backend.KeyringBackend):
    priority = -1  # type: ignore[assignment]

    def set_password(self, service: str, username: str, password: str) -> None:
        raise keyring.errors.PasswordSetError

    def delete_password(self, service: str, username: str) -> None:
        raise keyring.errors.PasswordDeleteError


class Hanging(_Backend):
    """Locked, with a prompt that nobody answers."""

    def get_password(self, service: str, username: str) -> str | None:
        threading.Event().wait(30)
        return None


class Locked(_Backend):
    """Locked, and says so."""

    def get_password(self, service: str, username: str) -> str | None:
        raise keyring.errors.KeyringLocked("Failed to unlock the collection!")


class Broken(_Backend):
    """A plug-in with a bug."""

    def get_password(self, service: str, username: str) -> str | None:
        raise ZeroDivisionError("CANARY of a bug")


class Strange(_Backend):
    """A plug-in that answers with something else."""

    def get_password(self, service: str, username: str) -> str | None:
        return 5  # type: ignore[return-value]


class Plain(_Backend):
    """Keeps what it is given in a text file."""

    def get_password(self, service: str, username: str) -> str | None:
        return "CANARYCANARYCANARY"
