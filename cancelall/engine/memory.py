"""A small memory in the state directory: which symbols had open orders when a profile was last read.

A kill of a venue whose cancels need symbols fires at these unseen, while its listings are on their way. No proof rests
on it, and what is out of date costs a request that cancels nothing. It holds names only: no ids, amounts or secrets.
One file for each profile, for its owner alone, written after the verdict; whatever goes wrong with it changes nothing.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from cancelall.core.files import open_at_once, state_directories, write_private
from cancelall.core.profile import Profile
from cancelall.venues.contract import Remembered

SYMBOLS_AT_MOST = 40
"""Symbols of one segment, the newest first: each is a cancel or two before anything is known."""
SEGMENTS_AT_MOST = 100
_BYTES_AT_MOST = 1 << 18
_LONGEST = 60
"""Characters of a name."""


def recall(profile: Profile, environ: Mapping[str, str]) -> Remembered:
    """What is remembered of a profile's account; nothing where there is no file, or one that is odd."""
    for path in _paths(profile, environ):
        with contextlib.suppress(OSError, ValueError, RecursionError):
            with open_at_once(path) as stream:
                data = stream.read(_BYTES_AT_MOST + 1)
            return _read(json.loads(data), profile) if len(data) <= _BYTES_AT_MOST else ()
    return ()


def remember(profile: Profile, environ: Mapping[str, str], shown: Mapping[str, Iterable[str]]) -> None:
    """Keep which symbols each segment has just shown, before those that were remembered of it."""
    before = dict(recall(profile, environ))
    names = {
        name: tuple(dict.fromkeys((*filter(_is_name, shown.get(name, ())), *before.get(name, ()))))[:SYMBOLS_AT_MOST]
        for name in dict.fromkeys((*shown, *before))
        if _is_name(name)
    }
    kept = {name: symbols for name, symbols in names.items() if symbols}
    if kept == before:
        return
    text = json.dumps({"schema": 1, **_account(profile), "segments": dict(list(kept.items())[:SEGMENTS_AT_MOST])})
    for path in _paths(profile, environ):
        with contextlib.suppress(OSError):
            write_private(path, f"{text}\n")
            return


def _paths(profile: Profile, environ: Mapping[str, str]) -> tuple[Path, ...]:
    return tuple(one / "open-symbols" / f"{profile.name}.json" for one in state_directories(environ))


def _account(profile: Profile) -> dict[str, str]:
    """Of another one of the same name nothing is remembered."""
    return {"venue": profile.venue, "environment": profile.environment, "host": profile.origin}


def _read(value: object, profile: Profile) -> Remembered:
    if not isinstance(value, dict) or any(value.get(key) != said for key, said in _account(profile).items()):
        return ()
    segments = value.get("segments")
    if not isinstance(segments, dict):
        return ()
    known = list(segments.items())[:SEGMENTS_AT_MOST]
    return tuple(
        (name, tuple(filter(_is_name, symbols))[:SYMBOLS_AT_MOST])
        for name, symbols in known
        if _is_name(name) and isinstance(symbols, list)
    )


def _is_name(value: object) -> bool:
    """Whether it can be a symbol's or a segment's name: it goes into requests."""
    return isinstance(value, str) and 0 < len(value) <= _LONGEST and value.isprintable() and value.strip() == value
