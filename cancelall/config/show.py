"""The configuration as it may be shown: without its secrets."""

from __future__ import annotations

import re
from typing import Any

from cancelall.config.guards import GuardKeys, guard_tables
from cancelall.config.loader import shown_name
from cancelall.config.toml_file import Document
from cancelall.core import declare
from cancelall.core.profile import Common
from cancelall.core.quoting import quoted
from cancelall.core.secret import MASK
from cancelall.venues.registry import VENUES, schema


def redacted(document: Document) -> dict[str, Any]:
    """The configuration with every secret replaced, also one that stands where none should: only known keys show."""
    shown: dict[str, Any] = {}
    if "defaults" in document.data:
        shown["defaults"] = _table(document.data["defaults"])
    if "profiles" in document.data:
        shown["profiles"] = {shown_name(name): _table(inner) for name, inner in document.tables.items()}
    if "guard" in document.data:
        shown["guard"] = {shown_name(name): _guard(inner) for name, inner in guard_tables(document).items()}
    return shown


def escaped(text: str) -> str:
    """TOML with everything escaped that a terminal would obey: names and values of a config can hold any character."""
    return "".join(letter if letter.isprintable() or letter == "\n" else f"\\U{ord(letter):08x}" for letter in text)


def _table(value: Any) -> Any:  # a TOML value
    """A profile, or the defaults. A key that is unknown may be a secret, and so may what it holds."""
    if not isinstance(value, dict):
        return MASK
    venue = value.get("venue")
    accepts = schema(venue) if isinstance(venue, str) and venue in VENUES else None
    keys = {item.key for item in declare.declared(Common)}
    keys |= {item.key for item in declare.declared(accepts.options)} if accepts is not None else set()
    secrets = declare.secrets_of(accepts.secrets) if accepts is not None else ()
    keys -= {key for key in secrets if not isinstance(value.get(key), list)}
    shown: dict[str, Any] = {}
    for key, inner in value.items():
        if key in ("venue", "environment"):
            shown[key] = quoted(inner) if isinstance(inner, str) else MASK
        elif key == "notify_command":
            shown[key] = _command(inner)
        elif key == "secret_command":
            commands = inner.items() if isinstance(inner, dict) else ()
            shown[key] = {quoted(field): _command(words) for field, words in commands} if commands else MASK
        elif key in keys:
            shown[key] = _value(inner)
        else:
            shown[quoted(key)] = dict.fromkeys(map(quoted, inner), MASK) if isinstance(inner, dict) else MASK
    return shown


def _guard(value: Any) -> Any:
    """A guard, which has no secrets; but what stands under an unknown key may be one."""
    if not isinstance(value, dict):
        return MASK
    keys = {item.key for item in declare.declared(GuardKeys)}
    shown: dict[str, Any] = {}
    for key, inner in value.items():
        if key == "notify_command":
            shown[key] = _command(inner)
        else:
            shown[quoted(key)] = _value(inner) if key in keys else MASK
    return shown


def _command(words: Any) -> Any:
    """Its program alone: the other words may hold the token of a chat, or open a safe."""
    if not isinstance(words, list) or not words or not isinstance(words[0], str):
        return MASK
    return [quoted(words[0]), *[MASK] * (len(words) - 1)]


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return dict.fromkeys(map(quoted, value), MASK)
    if isinstance(value, list):
        return [_value(inner) for inner in value]
    return re.sub(r"//[^/@]*@", f"//{MASK}@", value) if isinstance(value, str) else value
