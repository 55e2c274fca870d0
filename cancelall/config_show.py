"""The configuration as it may be shown: without its secrets."""

from __future__ import annotations

import re
from typing import Any

from cancelall import declare
from cancelall.config import Common
from cancelall.config_toml import Document
from cancelall.secret import MASK
from cancelall.venues import VENUES, schema


def redacted(document: Document) -> dict[str, Any]:
    """The configuration with every secret replaced, also one that stands where none should: only known keys show."""
    known = {item.key for item in declare.declared(Common)} | {"venue", "secret_command"}

    def shown(value: Any) -> Any:  # noqa: ANN401 - a TOML value
        if isinstance(value, dict):
            return {key: shown(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [shown(inner) for inner in value]
        return re.sub(r"//[^/@]*@", f"//{MASK}@", value) if isinstance(value, str) else value

    def command(words: Any) -> Any:  # noqa: ANN401
        """Its program alone: the other words may hold the token of a chat."""
        return [shown(words[0]), *[MASK] * (len(words) - 1)] if isinstance(words, list) and words else MASK

    def table(value: Any) -> Any:  # noqa: ANN401
        if not isinstance(value, dict):
            return MASK
        venue = value.get("venue")
        options = declare.declared(schema(venue).options) if isinstance(venue, str) and venue in VENUES else ()
        keys = known | {item.key for item in options}
        return {
            key: command(inner)
            if key == "notify_command"
            else shown(inner)
            if key in keys
            else dict.fromkeys(inner, MASK)
            if isinstance(inner, dict)
            else MASK
            for key, inner in value.items()
        }

    found: dict[str, Any] = {}
    if "defaults" in document.data:
        found["defaults"] = table(document.data["defaults"])
    if "profiles" in document.data:
        found["profiles"] = {name: table(inner) for name, inner in document.tables.items()}
    return found
