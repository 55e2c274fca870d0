"""Secrets into the config file, for a machine without a keyring; and the profile that goes with them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cancelall.config import edit
from cancelall.config.toml_file import Document
from cancelall.core.errors import ConfigError
from cancelall.core.profile import Profile
from cancelall.core.secret import Secret


def keys_for(document: Document, profile: Profile, environment: str | None) -> dict[str, str]:
    """What the profile's table needs to be one."""
    keys = {} if profile.name in document.tables else {"venue": profile.venue}
    return keys if environment is None else {**keys, "environment": environment}


def into_config(path: Path, profile: Profile, secrets: Mapping[str, Secret], keys: Mapping[str, str]) -> str:
    """The profile and its secrets into the config file, in one step, where nobody else could replace the file.

    Returns what the user should know about it, or nothing. Raises ConfigError.
    """
    where = edit.of_profile(profile.name)
    tables: dict[edit.Where, Mapping[str, edit.Value]] = {where: keys}
    if secrets:
        tables[(*where, "credentials")] = {field: secret.reveal() for field, secret in secrets.items()}
    try:
        return edit.save(path, tables, careful=True)
    except OSError as fault:
        raise ConfigError(f"{path} cannot be written: {fault.strerror or fault}", "give another --config") from None
