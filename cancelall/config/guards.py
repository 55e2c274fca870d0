"""What the tables `[guard.NAME]` and the line of `cancelall guard` say of a guard, and whether it makes sense.

A key is declared once, as a profile's are: its flag, its help, the example file and the check of the config follow. A
flag beats the table. Every mistake names the key, the table and the line; a guard with one does not start.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, NoReturn
from urllib.parse import urlsplit

from cancelall.config.toml_file import Document, fail, place
from cancelall.core import declare
from cancelall.core.dataclass import dataclass, replace
from cancelall.core.declare import Opt
from cancelall.core.errors import ConfigError, OptionError, UsageError
from cancelall.core.profile import GUARD, KEEP_PROTECTIVE, NOTIFY_COMMAND, BrokenProfile, Profile
from cancelall.core.quoting import quoted
from cancelall.venues.registry import VENUES

GUARD_NAME = r"[A-Za-z0-9_-]{1,64}"
DEFAULT_NAME = "default"
"""Of a guard that has no table."""
OWN_BEAT = "beat"
"""The heartbeat that `cancelall beat` gives: the guard listens for it on a socket of its own."""
SIGNALS = tuple(name for name in ("USR1", "USR2", "QUIT", "PWR") if hasattr(signal, f"SIG{name}"))
"""Those that may fire a guard: none that ends, reloads or stops one, or that a system sends by itself."""

Confirming = Literal["process", "probe"]


@dataclass(frozen=True, kw_only=True)
class GuardKeys:
    """The keys of a table `[guard.NAME]`."""

    profiles: Annotated[
        tuple[str, ...],
        Opt(help="Which profiles it kills; all without it.", text="free", example="bybit"),
    ] = ()
    heartbeat: Annotated[
        tuple[str, ...],
        Opt(
            help="Where a bot shows that it lives: FILE (any change counts, a log will do), unix:PATH, "
            "http:127.0.0.1:PORT, or beat: what `cancelall beat` gives. Where nothing at all is watched it is that.",
            metavar="SOURCE",
            text="free",
            example="/run/mybot/beat",
            commands=GUARD,
        ),
    ] = ()
    timeout: Annotated[
        float,
        Opt(
            help="Seconds without a beat after which it fires.",
            on_line="Seconds without a beat after which it fires (10).",
            metavar="SECONDS",
            minimum=0.5,
            maximum=86400,
            commands=GUARD,
        ),
    ] = 10.0
    grace: Annotated[
        float,
        Opt(
            help="Seconds after a start, a suspend or a reload before the first beat is demanded.",
            on_line="Seconds after a start, a suspend or a reload before the first beat is demanded (30).",
            metavar="SECONDS",
            minimum=0,
            maximum=86400,
            commands=GUARD,
        ),
    ] = 30.0
    process: Annotated[
        tuple[str, ...],
        Opt(
            help="A process whose end fires: a unit (NAME.service), a pid, or a file that holds one.",
            metavar="PROCESS",
            text="free",
            example="freqtrade.service",
            commands=GUARD,
        ),
    ] = ()
    kill_file: Annotated[
        tuple[str, ...],
        Opt(
            help="A file whose existence fires, and keeps the accounts clear as long as it is there.",
            metavar="FILE",
            text="free",
            example="/run/cancelall/KILL",
            commands=GUARD,
        ),
    ] = ()
    signals: Annotated[
        tuple[str, ...],
        Opt(help="Signals that fire: USR1, USR2, ….", text="free", example="USR1"),
    ] = ("USR1",) if "USR1" in SIGNALS else ()
    probe: Annotated[
        str | None,
        Opt(
            help="A URL that has to answer with a status from 200 to 399.",
            metavar="URL",
            text="free",
            example="http://127.0.0.1:8080/api/v1/ping",
            commands=GUARD,
        ),
    ] = None
    probe_every: Annotated[
        float,
        Opt(
            help="Seconds between two requests of the probe.",
            on_line="Seconds between two requests of the probe (5).",
            metavar="SECONDS",
            minimum=0.5,
            maximum=3600,
            commands=GUARD,
        ),
    ] = 5.0
    probe_failures: Annotated[
        int,
        Opt(
            help="Failures of the probe in a row that fire.",
            on_line="Failures of the probe in a row that fire (3).",
            metavar="N",
            minimum=1,
            maximum=1000,
            commands=GUARD,
        ),
    ] = 3
    confirm: Annotated[
        tuple[Confirming, ...],
        Opt(help="Silence fires only if one of these agrees: a process that is gone, a probe that fails."),
    ] = ()
    hold: Annotated[
        float,
        Opt(
            help="Seconds for which the accounts are kept clear after the verdict; a kill file keeps them so, too.",
            on_line="Seconds for which the accounts are kept clear after the verdict (60).",
            metavar="SECONDS",
            minimum=0,
            maximum=86400,
            commands=GUARD,
        ),
    ] = 60.0
    keep_protective: Annotated[bool | None, KEEP_PROTECTIVE] = None
    venue_switch: Annotated[
        Literal["off", "observe", "arm"],
        Opt(
            help="The venue's own dead-man's switch: leave it alone, tell how it stands, or keep it armed.",
            on_line="The venue's own dead-man's switch: leave it alone, tell how it stands (this without the option), "
            "or keep it armed.",
            example="arm",
            commands=GUARD,
        ),
    ] = "observe"
    venue_timeout: Annotated[
        int,
        Opt(help="Seconds after which the venue's switch cancels.", minimum=5, maximum=86399),
    ] = 60
    on_stop: Annotated[
        Literal["nothing", "fire"],
        Opt(help="What a guard does that is stopped: nothing, or fire first."),
    ] = "nothing"
    rearm: Annotated[
        Literal["manual", "beat"],
        Opt(help="What arms it again after it has fired: only `guard arm`, or a fresh beat, too."),
    ] = "manual"
    notify_command: Annotated[tuple[str, ...], NOTIFY_COMMAND] = ()
    latency_alarm_ms: Annotated[
        int | None,
        Opt(help="Alarm when a warm connection of a venue answers more slowly.", minimum=1, example="250"),
    ] = None
    offset_alarm_ms: Annotated[
        int | None,
        Opt(help="Alarm when a venue's clock and ours are further apart.", minimum=1, example="1000"),
    ] = None
    verdict_alarm: Annotated[
        float | None,
        Opt(help="Alarm when the verdict would take more seconds than this.", minimum=0.1, example="10"),
    ] = None
    metrics: Annotated[
        str | None,
        Opt(
            help="Its state for Prometheus: FILE, written anew every few seconds, or http:127.0.0.1:PORT.",
            text="free",
            example="/run/cancelall/mm.prom",
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class ProbeSettings:
    """A URL that has to answer."""

    url: str
    every: float
    """Seconds."""
    failures: int
    """In a row, that count."""


@dataclass(frozen=True, kw_only=True)
class GuardAlarms:
    """From when on a figure is worth an alarm. None: never."""

    latency_ms: int | None = None
    offset_ms: int | None = None
    verdict_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class GuardSettings:
    """All that a guard goes by."""

    name: str
    document: Document
    profiles: tuple[Profile | BrokenProfile, ...]
    heartbeats: tuple[str, ...] = ()
    """Absolute paths, `unix:PATH`, `http:HOST:PORT`, `beat`."""
    processes: tuple[str, ...] = ()
    """Units, pids, absolute paths of pid files."""
    kill_files: tuple[str, ...] = ()
    signals: tuple[str, ...] = ()
    """Names without SIG."""
    probe: ProbeSettings | None = None
    timeout: float = 10.0
    grace: float = 30.0
    rearm: Literal["manual", "beat"] = "manual"
    confirm: tuple[Confirming, ...] = ()
    hold: float = 60.0
    venue_switch: Literal["off", "observe", "arm"] = "observe"
    venue_timeout: int = 60
    """Seconds."""
    on_stop: Literal["nothing", "fire"] = "nothing"
    notify: tuple[str, ...] | None = None
    """Who is told of the guard and of its kills; None: each profile's own command, and that of `[defaults]`."""
    alarms: GuardAlarms = GuardAlarms()
    metrics: str | None = None
    reason: str = ""
    """Why it stands, in its user's words: part of the reason of each kill."""
    once: bool = False
    """It ends with its first kill, and with that kill's exit status."""
    dry_run: bool = False
    """A rehearsal: it looks at its triggers, and what it fires only reads."""


def guard_tables(document: Document) -> Mapping[str, Any]:
    """The tables of guards by name."""
    tables: Any = document.data.get("guard", {})
    return tables if isinstance(tables, dict) else {}


def checked_name(name: str) -> str:
    """A name of the line. Raises UsageError where no guard can have it."""
    if not re.fullmatch(GUARD_NAME, name):
        raise UsageError(f'"{quoted(name)}" cannot name a guard', "letters, digits, _ and -, at most 64 of them")
    return name


def choose_guard(document: Document, wanted: str | None) -> str:
    """Which guard a line means: the one it names; else the only one of the config, or the one that is named default.

    Raises ConfigError when that is not clear, and for a name that no table has, where there are tables.
    """
    tables = guard_tables(document)
    shown = ", ".join(quoted(name) for name in tables)
    if wanted is not None:
        checked_name(wanted)
        if tables and wanted not in tables:
            problem = f'there is no guard "{quoted(wanted)}"{declare.nearest(wanted, tables)}'
            raise ConfigError(problem, f"guards: {shown}")
        return wanted
    if len(tables) > 1 and DEFAULT_NAME not in tables:
        raise ConfigError("there are several guards and none is named default", f"add --name with one of: {shown}")
    name = next(iter(tables)) if len(tables) == 1 else DEFAULT_NAME
    if problem := _name_problem(name):
        fail(document, f"guard.{name}", "", problem)
    return name


def guard_keys(document: Document, name: str, given: Mapping[str, object] | None = None) -> GuardKeys:
    """What the table of a guard says, where the line says nothing else.

    Raises ConfigError for the table, UsageError for the line.
    """
    table = _table(document, name)
    values, mistakes = _values(document, name, table)
    if mistakes:
        raise mistakes[0]
    on_line = _on_line(given or {})
    keys = GuardKeys(**{**values, **on_line})  # type: ignore[arg-type]
    for flagged, problem, hint in _problems(keys):
        _blame(document, name, table, on_line, flagged, problem, hint)
    return _as_used(keys)


def guard_settings(
    document: Document,
    name: str,
    keys: GuardKeys,
    profiles: Sequence[Profile | BrokenProfile],
    *,
    reason: str = "",
    once: bool = False,
    dry_run: bool = False,
) -> GuardSettings:
    """All that a guard goes by: its keys, and its profiles as they were read."""
    probe = ProbeSettings(url=keys.probe, every=keys.probe_every, failures=keys.probe_failures) if keys.probe else None
    return GuardSettings(
        name=name,
        document=document,
        profiles=tuple(profiles),
        heartbeats=keys.heartbeat,
        processes=keys.process,
        kill_files=keys.kill_file,
        signals=keys.signals,
        probe=probe,
        timeout=keys.timeout,
        grace=keys.grace,
        rearm=keys.rearm,
        confirm=keys.confirm,
        hold=keys.hold,
        venue_switch=keys.venue_switch,
        venue_timeout=keys.venue_timeout,
        on_stop=keys.on_stop,
        notify=keys.notify_command or None,
        alarms=GuardAlarms(
            latency_ms=keys.latency_alarm_ms,
            offset_ms=keys.offset_alarm_ms,
            verdict_seconds=keys.verdict_alarm,
        ),
        metrics=keys.metrics,
        reason=reason,
        once=once,
        dry_run=dry_run,
    )


def guard_troubles(document: Document) -> Iterator[ConfigError]:
    """The mistakes of all tables of guards, each once: every key that is wrong, else what contradicts itself."""
    for name in guard_tables(document):
        try:
            table = _table(document, name)
        except ConfigError as error:
            yield error
            continue
        values, mistakes = _values(document, name, table)
        yield from mistakes
        if mistakes:
            continue
        keys = GuardKeys(**values)  # type: ignore[arg-type]
        yield from (_mistake(document, name, key, problem, hint) for key, problem, hint in _problems(keys))
        for profile in keys.profiles:
            if profile not in document.tables and profile not in VENUES:
                nearest = declare.nearest(profile, document.tables)
                problem = f'there is no profile "{quoted(profile)}"{nearest}'
                yield _mistake(document, name, "profiles", problem, "correct the file and run again")


# --- tables and lines ---


def _name_problem(name: str) -> str:
    fits = re.fullmatch(GUARD_NAME, name)
    return "" if fits else "a guard's name has letters, digits, _ and - only, and at most 64 of them"


def _table(document: Document, name: str) -> Mapping[str, Any]:
    """The table of a guard; empty where it has none. Raises ConfigError for what is no table, and for its name."""
    tables = guard_tables(document)
    if problem := _name_problem(name):
        fail(document, f"guard.{name}", "", problem)
    table: dict[str, Any] = tables.get(name, {})
    if not isinstance(table, dict):
        fail(document, f"guard.{name}", "", "a guard must be a table: [guard.NAME]")
    return table


def _values(document: Document, name: str, table: Mapping[str, Any]) -> tuple[dict[str, object], list[ConfigError]]:
    """The values of a table by key, and the mistakes of those that cannot be read."""
    items = {item.key: item for item in declare.declared(GuardKeys)}
    values: dict[str, object] = {}
    mistakes: list[ConfigError] = []
    for key, value in table.items():
        if key not in items:
            near = declare.nearest(key, items)
            mistakes.append(_mistake(document, name, key, f'unknown key "{quoted(key)}"{near}'))
            continue
        try:
            values[key] = declare.from_value(items[key], value)
        except OptionError as error:
            mistakes.append(_mistake(document, name, key, f"{key} {error.message}"))
    return values, mistakes


def _on_line(given: Mapping[str, object]) -> dict[str, object]:
    """The values of a line. Raises UsageError for one that its option cannot have."""
    values: dict[str, object] = {}
    for item in declare.declared(GuardKeys):
        if item.key not in given:
            continue
        try:
            values[item.key] = declare.from_value(item, given[item.key])
        except OptionError as error:
            raise UsageError(f"{item.flag} {error.message}", error.hint) from None
    return values


def _mistake(
    document: Document, name: str, key: str, problem: str, hint: str = "correct the file and run again"
) -> ConfigError:
    return ConfigError(f"{place(document, f'guard.{name}', key)}: {problem}", hint)


def _blame(
    document: Document,
    name: str,
    table: Mapping[str, Any],
    on_line: Mapping[str, object],
    key: str,
    problem: str,
    hint: str,
) -> NoReturn:
    """Raise what is wrong, of the line where it said so or where there is no such key in the table."""
    if key in on_line or key not in table:
        flag = next(item.flag for item in declare.declared(GuardKeys) if item.key == key)
        raise UsageError(f"{flag}: {problem}" if key in on_line else problem, hint)
    raise _mistake(document, name, key, problem, hint)


def _as_used(keys: GuardKeys) -> GuardKeys:
    """The keys with signals named in one way."""
    return replace(keys, signals=tuple(dict.fromkeys(map(_signal_name, keys.signals))))


# --- what makes sense ---


def _problems(keys: GuardKeys) -> Iterator[tuple[str, str, str]]:
    """What is wrong with values that can be read by themselves: the key, the problem, and what to do."""
    for text in keys.heartbeat:
        if problem := heartbeat_problem(text):
            yield "heartbeat", f'"{quoted(text)}": {problem}', "write /PATH, unix:/PATH, http:127.0.0.1:PORT or beat"
    for text in keys.process:
        if problem := process_problem(text):
            yield "process", f'"{quoted(text)}": {problem}', "write NAME.service, a pid, or the path of a pid file"
    for text in keys.kill_file:
        if not text.startswith("/") and not _is_windows_path(text):
            yield "kill_file", f'"{quoted(text)}" is no absolute path', "a guard runs from anywhere: write it in full"
    for text in keys.signals:
        if _signal_name(text) not in SIGNALS:
            near = declare.nearest(text, SIGNALS)
            yield "signals", f'"{quoted(text)}" is no signal that can fire a guard{near}', "use USR1 or USR2"
    if keys.probe is not None and (problem := probe_problem(keys.probe)):
        yield "probe", problem, "write http://HOST:PORT/PATH"
    if keys.metrics is not None and (problem := metrics_problem(keys.metrics)):
        yield "metrics", f'"{quoted(keys.metrics)}": {problem}', "write /PATH or http:127.0.0.1:PORT"
    for name, several in (("heartbeat", keys.heartbeat), ("process", keys.process), ("kill_file", keys.kill_file)):
        twice = next((one for one in several if several.count(one) > 1), None)
        if twice is not None:
            yield name, f'"{quoted(twice)}" is there twice', "leave one out"
    yield from _contradictions(keys)


def _contradictions(keys: GuardKeys) -> Iterator[tuple[str, str, str]]:
    if "process" in keys.confirm and not keys.process:
        yield "confirm", "it wants a process to agree, and none is watched: silence would never fire", "add process"
    if "probe" in keys.confirm and keys.probe is None:
        yield "confirm", "it wants a probe to agree, and there is none: silence would never fire", "add probe"
    beaten = keys.heartbeat or not (keys.process or keys.kill_file or keys.probe)  # without any: `cancelall beat`
    if keys.venue_switch == "arm" and not beaten:
        problem = "the venue's switch is renewed while beats come, and there is no heartbeat"
        yield "venue_switch", problem, "add a heartbeat"
    if keys.rearm == "beat" and not beaten:
        yield "rearm", "a beat is to arm it again, and there is no heartbeat", "add a heartbeat"
    both = next((one for one in keys.kill_file if one in keys.heartbeat), None)
    if both is not None:
        yield "kill_file", f'"{quoted(both)}" is its heartbeat, too: it would fire at once', "give it another name"


def _is_windows_path(text: str) -> bool:
    return bool(re.match(r"[A-Za-z]:[\\/]", text))


def _signal_name(text: str) -> str:
    return text.upper().removeprefix("SIG")


def heartbeat_problem(text: str) -> str:
    """Why this names no heartbeat; empty where it does."""
    kind, colon, rest = text.partition(":")
    if text == OWN_BEAT or text.startswith("/") or _is_windows_path(text):
        return ""
    if colon and kind == "unix":
        return "" if rest.startswith("/") else "the path of a socket is absolute"
    if colon and kind == "http":
        return loopback_problem(rest)
    return "it is no absolute path"


def loopback_problem(text: str) -> str:
    """Why this is no port of this machine, `127.0.0.1:PORT`; empty where it is."""
    from cancelall.net.route import is_loopback

    host, _, port = text.removeprefix("//").rpartition(":")
    if not host or not is_loopback(host):
        return "only this machine may send to it: 127.0.0.1:PORT"
    if not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536):
        return "a port goes from 1 to 65535"
    return ""


def process_problem(text: str) -> str:
    """Why this names no process; empty where it does."""
    if text.isascii() and text.isdigit():
        return "" if 1 < int(text[:20]) < 1 << 31 else "it is no pid that can be watched"
    if text.startswith("/") or _is_windows_path(text):
        return ""
    if re.fullmatch(r"[A-Za-z0-9:_.\\@-]+\.service", text):
        return ""
    return "it is no unit, no pid and no absolute path"


def probe_problem(url: str) -> str:
    """Why this URL cannot be probed; empty where it can. It is never repeated: it could hold a secret."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return "it is no URL"
    if parts.username is not None or parts.password is not None:
        return "it holds a user or a password: a probe sends no secret"
    return "" if fits and url.isascii() and " " not in url else "it is no URL of http or https"


def metrics_problem(text: str) -> str:
    """Why the state cannot be shown there; empty where it can."""
    if text.startswith("/") or _is_windows_path(text):
        return ""
    kind, colon, rest = text.partition(":")
    return loopback_problem(rest) if colon and kind == "http" else "it is no absolute path"
