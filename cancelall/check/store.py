"""Writing one key of a profile into the config file, and leaving every other byte of it as it was."""

from __future__ import annotations

import copy
import os
import re
import tomllib
from pathlib import Path
from typing import Any

from cancelall import config
from cancelall.config import Document, environment_prefix
from cancelall.errors import ConfigError


def store(document: Document, profile: str, key: str, value: int) -> Path:
    """Set a key in a profile's table, comments and order kept. The file that was written.

    Raises ConfigError, with the line to write by hand, where that cannot be done safely.
    """
    by_hand = f"write {key} = {value} into [profiles.{profile}] by hand"
    if document.path is None or profile not in document.tables:
        variable = f"{environment_prefix(profile)}{key.upper()}"
        raise ConfigError(f"profile {profile} stands in no config file", f"set {variable}={value} in the environment")
    path = document.path.resolve()
    try:
        before = path.read_text(encoding="utf-8")
        data = tomllib.loads(before)
        text = _with_key(before, profile, f"{key} = {value}")
        if text is None or tomllib.loads(text) != _expected(data, profile, key, value):
            raise ConfigError(f"{path}: [profiles.{profile}] is written in a way that is left alone", by_hand)
        owner = path.stat()
        config.write_private(path, text)
        if os.name == "posix" and owner.st_uid != os.geteuid():
            os.chown(path, owner.st_uid, owner.st_gid)
    except OSError as fault:
        raise ConfigError(f"{path} cannot be written: {fault.strerror}", by_hand) from None
    except (ValueError, KeyError, TypeError):
        raise ConfigError(f"{path} has changed and cannot be read any more", by_hand) from None
    return path


def _with_key(text: str, profile: str, line: str) -> str | None:
    """The text with a line below the heading of the profile's table; None without such a heading."""
    name = re.escape(profile)
    heading = re.compile(
        rf"^[ \t]*\[[ \t]*profiles[ \t]*\.[ \t]*(?:{name}|\"{name}\"|'{name}')[ \t]*\][ \t]*(#.*)?\r?$"
    )
    lines = text.split("\n")
    places = [number for number, one in enumerate(lines) if heading.fullmatch(one)]
    if len(places) != 1:
        return None
    ending = "\r" if lines[places[0]].endswith("\r") else ""
    return "\n".join([*lines[: places[0] + 1], line + ending, *lines[places[0] + 1 :]])


def _expected(data: dict[str, Any], profile: str, key: str, value: int) -> dict[str, Any]:
    """The data with that key and nothing else changed: whatever the text looks like, this is what it must say."""
    wanted = copy.deepcopy(data)
    table = wanted["profiles"][profile]
    if key in table:
        raise KeyError(key)
    table[key] = value
    return wanted
