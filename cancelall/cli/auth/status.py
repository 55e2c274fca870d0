"""Where each secret of a profile is, and since when; never what it is."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cancelall.core import declare, files
from cancelall.core.dataclass import dataclass, replace
from cancelall.core.errors import CancelallError, SecretError
from cancelall.core.files import state_directories
from cancelall.core.profile import BrokenProfile, Profile, credential_path
from cancelall.core.secret import Secret
from cancelall.credentials import chain
from cancelall.credentials.keyrings import Late
from cancelall.venues.registry import schema

_TIMES = "auth.json"
"""In the state directory: when each item of the keyring was set, since keyrings do not tell."""


@dataclass(frozen=True, kw_only=True)
class SecretStatus:
    """What is known of one secret, without its value. `source` is empty when no source has it."""

    name: str
    optional: bool
    source: str = ""
    since: float | None = None
    """When it was set, or its file last changed, in seconds since 1970; None where nobody knows."""
    error: SecretError | None = None


@dataclass(frozen=True, kw_only=True)
class ProfileStatus:
    """What is known of a profile's secrets."""

    profile: str
    venue: str
    secrets: tuple[SecretStatus, ...] = ()
    warnings: tuple[str, ...] = ()
    error: CancelallError | None = None

    @property
    def ok(self) -> bool:
        """Every required secret is there and can be used. One that is optional stops no kill, whatever is wrong."""
        return self.error is None and all(
            one.optional or (one.error is None and bool(one.source)) for one in self.secrets
        )


def statuses(
    profiles: Sequence[Profile | BrokenProfile], environ: Mapping[str, str], path: str | None
) -> list[ProfileStatus]:
    """Where the secrets of these profiles are, all at the same time. Blocks as long as the slowest source may take."""
    with ThreadPoolExecutor(max_workers=min(32, max(1, len(profiles)))) as pool:
        return list(pool.map(lambda profile: status(profile, environ, path), profiles))


def status(profile: Profile | BrokenProfile, environ: Mapping[str, str], path: str | None) -> ProfileStatus:
    """Where a profile's secrets are. `path` is the config file."""
    if isinstance(profile, BrokenProfile):
        return ProfileStatus(profile=profile.name, venue=profile.venue, error=profile.error)
    accepts = schema(profile.venue)
    times = _times(environ)
    warnings: list[str] = list(profile.warnings)
    statuses: list[SecretStatus] = []
    values: dict[str, Secret] = {}
    late: Late | None = None
    for name, sec in declare.secrets_of(accepts.secrets).items():
        # As in a kill: what is not needed is looked for in the keyring only if the rest came from there.
        in_keyring = late is None and (not sec.optional or any(one.source == "keyring" for one in statuses))
        one = SecretStatus(name=name, optional=sec.optional)
        try:
            hit = chain.look_up(profile, name, sec, environ, warnings, keyring=in_keyring)
        except SecretError as error:
            late = error if isinstance(error, Late) else late
            statuses.append(replace(one, error=error))
            continue
        if hit is None and late is not None and not sec.optional:
            one = replace(one, error=late)  # it would hang again
        if hit is not None:
            values[name], source = hit
            since = times.get(f"{profile.name}.{name}") if source == "keyring" else None
            one = replace(one, source=source, since=since or _changed(profile, name, source, environ, path))
        statuses.append(one)
    declared = declare.secrets_of(accepts.secrets)
    slow = {one.name: declared[one.name] for one in statuses if one.source in ("", "secret_command", "keyring")}
    warnings += [chain.left_out(profile, slow, one.name) for one in statuses if one.source == "secret_command"]
    result = ProfileStatus(
        profile=profile.name,
        venue=profile.venue,
        secrets=tuple(statuses),
        warnings=tuple(dict.fromkeys(filter(None, warnings))),
    )
    if result.ok:
        try:
            chain.whole(profile, values)
        except SecretError as error:
            return replace(result, error=error)
    return result


def _changed(profile: Profile, name: str, source: str, environ: Mapping[str, str], path: str | None) -> float | None:
    if source.startswith("credentials directory"):
        path = credential_path(profile.name, name, environ)
    elif source != "config file":
        return None
    try:
        return Path(path).stat().st_mtime if path is not None else None
    except OSError:
        return None


# --- in words ---------------------------------------------------------------------------------------------------------


def age_words(since: float, now: float) -> str:
    """How long ago, roughly."""
    spent = max(0, int(now - since))
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if spent >= size:
            count = spent // size
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def status_text(status: ProfileStatus, now: float) -> str:
    """A profile's secrets for people, one line each."""
    lines = [f"{status.profile} ({status.venue or 'no venue'})"]
    for one in status.secrets:
        if one.error is not None:
            words = one.error.line
        elif not one.source:
            words = "not set (optional)" if one.optional else "missing"
        else:
            verb = "set" if one.source == "keyring" else "changed"
            words = one.source + (f", {verb} {age_words(one.since, now)}" if one.since is not None else "")
        lines.append(f"  {one.name.ljust(max(len(other.name) for other in status.secrets))}  {words}")
    if status.error is not None:
        lines.append(f"  {status.error.line}")
    lines += [f"  WARNING: {warning}" for warning in status.warnings]
    return "\n".join(lines) + "\n"


def status_line(status: ProfileStatus, now: float) -> str:
    """The same as one JSON line."""

    def error(fault: CancelallError | None) -> dict[str, str] | None:
        return {"kind": fault.kind, "message": fault.message, "hint": fault.hint} if fault is not None else None

    secrets = [
        {
            "field": one.name,
            "optional": one.optional,
            "source": one.source or None,
            "since": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(one.since)) if one.since is not None else None,
            "age_seconds": max(0, int(now - one.since)) if one.since is not None else None,
            "error": error(one.error),
        }
        for one in status.secrets
    ]
    line = {
        "schema": 1,
        "profile": status.profile,
        "venue": status.venue,
        "ok": status.ok,
        "secrets": secrets,
        "error": error(status.error),
        "warnings": list(status.warnings),
    }
    return json.dumps(line, ensure_ascii=False) + "\n"


# --- when they were set -----------------------------------------------------------------------------------------------


def note_times(profile: str, names: Sequence[str], environ: Mapping[str, str], now: float | None) -> None:
    """Remember when secrets were set, `now` None: that they are gone. Nothing depends on it, so failure is silent."""
    times = {key: at for key, at in _times(environ).items() if key not in {f"{profile}.{name}" for name in names}}
    if now is not None:
        times |= {f"{profile}.{name}": now for name in names}
    for directory in state_directories(environ):
        try:
            files.write_private(directory / _TIMES, json.dumps({key: int(at) for key, at in times.items()}) + "\n")
        except OSError:
            continue
        return


def _times(environ: Mapping[str, str]) -> dict[str, float]:
    for directory in state_directories(environ):
        try:
            times = json.loads((directory / _TIMES).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(times, dict):
            return {key: float(at) for key, at in times.items() if type(at) is int and 0 <= at < 1 << 40}
    return {}
