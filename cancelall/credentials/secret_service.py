"""The Secret Service (GNOME Keyring, KWallet, KeePassXC), read as keyring's own back-end reads it, by its library.

keyring imports what takes a third of a kill's start (an HTTP client, mail), and opens a connection and a session for
each item: https://github.com/jaraco/keyring/blob/main/keyring/backends/SecretService.py. Here is one for all.
"""

from __future__ import annotations

import secretstorage


class Connection:
    """A connection to the session bus, its default collection unlocked, and the session in which items are encrypted.

    Blocks for as long as a prompt is open. Raises what secretstorage, jeepney and the socket raise.
    """

    def __init__(self) -> None:
        self._bus = secretstorage.dbus_init()
        try:
            self._collection = secretstorage.get_default_collection(self._bus)
            if self._collection.is_locked() and self._collection.unlock():
                raise secretstorage.LockedException("the keyring stayed locked")
        except BaseException:
            self._bus.close()
            raise

    def get_password(self, service: str, username: str) -> str | None:
        """The first item with these two attributes, as keyring writes them; None when there is none."""
        try:
            for item in self._collection.search_items({"service": service, "username": username}):
                if item.is_locked() and item.unlock():
                    raise secretstorage.LockedException("the item stayed locked")
                text = item.get_secret().decode()
                self._collection.session = item.session
                return text
        except BaseException:
            self._bus.close()
            raise
        return None

    def close(self) -> None:
        """Close the connection."""
        self._bus.close()
