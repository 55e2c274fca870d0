"""Find, read, check and write the configuration. Every mistake names the key, the table and the line.

One broken profile does not stop the others: it becomes a `BrokenProfile`, which is reported as unconfigured.
"""

from __future__ import annotations

import functools
import os
import re
import stat
import sys
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, BinaryIO
from urllib.parse import urlsplit

from cancelall import declare
from cancelall.declare import Declared, Opt
from cancelall.errors import ConfigError, OptionError
from cancelall.secret import MASK, Secret
from cancelall.venues import VENUES, schema

SIZE_LIMIT = 1 << 20
"""Bytes; a larger file is refused before it is parsed."""
_PROFILE_NAME = r"[A-Za-z0-9_-]{1,64}"


@dataclass(frozen=True, kw_only=True)
class Common:
    """Keys that every profile may have."""

    environment: Annotated[
        str | None, Opt(help="The venue's environment: live, testnet, demo, or a regional site.", metavar="NAME")
    ] = None
    base_url: Annotated[
        str | None,
        Opt(
            help="An origin (scheme, host, port) that replaces the environment's host; http only on loopback.",
            metavar="URL",
            text="free",
        ),
    ] = None
    deadline: Annotated[
        float | None, Opt(help="Seconds until the verdict.", metavar="SECONDS", minimum=0.1, maximum=86400)
    ] = None
    keep_protective: Annotated[
        bool | None, Opt(help="Leave reduce-only, take-profit, stop-loss and trailing orders in place.")
    ] = None
    proxy: Annotated[str | None, Opt(help="Send through this proxy.", metavar="URL", text="free")] = None
    ca_bundle: Annotated[
        str | None, Opt(help="Trust the certificate authorities of this file.", metavar="FILE", text="free")
    ] = None
    keyring_backend: Annotated[
        str | None, Opt(help="The keyring back-end to load, without detection.", metavar="CLASS", text="free")
    ] = None
    notify_command: Annotated[
        tuple[str, ...],
        Opt(
            help="A command (a list of words, no shell) that gets the result as JSON lines on its stdin.",
            metavar="WORDS",
            text="free",
        ),
    ] = ()


DEFAULTS_KEYS = ("deadline", "keep_protective", "proxy", "ca_bundle", "keyring_backend", "notify_command")
"""Keys of `[defaults]`: those that make sense for every profile."""
DEFAULT_DEADLINE = 30.0


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One account on one venue, ready to be used but for its secrets."""

    name: str
    venue: str
    environment: str
    origin: str
    common: Common
    options: Any
    scope: Mapping[str, object]
    """The selectors in force."""
    secret_command: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    credentials: Mapping[str, Secret] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def deadline(self) -> float:
        """Seconds until the verdict."""
        return self.common.deadline if self.common.deadline is not None else DEFAULT_DEADLINE


@dataclass(frozen=True, kw_only=True)
class BrokenProfile:
    """A profile that cannot be used, and why."""

    name: str
    venue: str
    error: ConfigError


@dataclass(frozen=True, kw_only=True)
class Document:
    """The configuration as it stands in the file. `path` is None when there is no file."""

    path: Path | None
    text: str = field(default="", repr=False)
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)
    warnings: tuple[str, ...] = ()

    @property
    def tables(self) -> Mapping[str, Any]:
        """The profile tables by name."""
        profiles = self.data.get("profiles", {})
        return profiles if isinstance(profiles, dict) else {}

    @functools.cached_property
    def names(self) -> Mapping[str, tuple[str, ...]]:
        """The profiles by what the names of their environment variables begin with."""
        found: dict[str, tuple[str, ...]] = {}
        for name in self.tables:
            prefix = environment_prefix(name)
            found[prefix] = (*found.get(prefix, ()), name)
        return found


@dataclass(frozen=True, kw_only=True)
class Overrides:
    """What the command line says: venue options and common options that were given, None or empty if not."""

    options: Mapping[str, object] = field(default_factory=dict)
    environment: str | None = None
    deadline: float | None = None
    keep_protective: bool | None = None
    everything: bool = False


# --- the file -------------------------------------------------------------------------------------------------------


def config_directory(environ: Mapping[str, str]) -> Path | None:
    """The user's configuration directory for this program; None when there is no home."""
    if sys.platform == "win32":
        base = environ.get("APPDATA")
        return Path(base) / "cancelall" if base else None
    home = environ.get("HOME") or ""
    if sys.platform == "darwin":
        return Path(home) / "Library" / "Application Support" / "cancelall" if home else None
    base = environ.get("XDG_CONFIG_HOME") or ""
    if os.path.isabs(base):  # noqa: PTH117 - a relative one is to be ignored, says the XDG specification
        return Path(base) / "cancelall"
    return Path(home) / ".config" / "cancelall" if os.path.isabs(home) else None  # noqa: PTH117


def locate(chosen: Path | None, environ: Mapping[str, str]) -> tuple[Path | None, bool]:
    """The file to read, and whether it was asked for by name (and so must exist)."""
    if chosen is not None:
        return chosen, True
    if environ.get("CANCELALL_CONFIG"):
        return Path(environ["CANCELALL_CONFIG"]), True
    directory = config_directory(environ)
    return (directory / "config.toml" if directory else None), False


def read(chosen: Path | None, environ: Mapping[str, str]) -> Document:
    """The configuration. No file at the usual place is an empty configuration.

    Raises ConfigError when the file cannot be read, is not TOML, or could have been changed by others.
    """
    path, required = locate(chosen, environ)
    if path is None:
        return Document(path=None)
    try:
        text, warnings = read_text(path)
    except FileNotFoundError:
        if required:
            raise ConfigError(
                f"the config file {path} does not exist", "give the right --config, or run: cancelall config init"
            ) from None
        return Document(path=None)
    except OSError as fault:
        if isinstance(fault, NotADirectoryError) and not required:
            return Document(path=None)  # a HOME that is a file, such as /dev/null
        raise ConfigError(
            f"the config file {path} cannot be read: {fault.strerror or fault}", "correct its permissions or path"
        ) from None
    import tomllib

    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as fault:
        # The parser's message can quote the line, which may hold a secret: only the place is told.
        place = re.search(r"at line (\d+), column (\d+)", str(fault))
        where = f", line {place[1]}, column {place[2]}" if place else ""
        raise ConfigError(f"{path}{where}: not valid TOML", "correct the line; text needs quotes") from None
    document = Document(path=path, text=text, data=_venues_from_environment(data, environ), warnings=warnings)
    _check_top(document)
    return document


def _venues_from_environment(data: dict[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """The data with each profile's venue as the environment has it, where it does."""
    profiles = data.get("profiles")
    if not isinstance(profiles, dict):
        return data
    named = {
        name: {**table, "venue": venue} if isinstance(table, dict) and venue else table
        for name, table in profiles.items()
        for venue in [environ.get(environment_prefix(name) + "VENUE", "").strip()]
    }
    return {**data, "profiles": named}


def open_at_once(path: Path) -> BinaryIO:
    """A file to read from. A pipe that nobody writes to does not make us wait."""
    nonblock = getattr(os, "O_NONBLOCK", 0)
    return open(path, "rb", opener=lambda name, flags: os.open(name, flags | nonblock))  # noqa: PTH123, SIM115


def read_text(path: Path) -> tuple[str, tuple[str, ...]]:
    """What a config file says, and what is to be warned of. Raises ConfigError, OSError."""
    raw, warnings = _read_bytes(path)
    if raw.startswith(b"\xef\xbb\xbf"):
        raise ConfigError(f"{path}, line 1: the file begins with a byte order mark", "save it as UTF-8 without a mark")
    try:
        return raw.decode(), warnings
    except UnicodeDecodeError as fault:
        line = raw[: fault.start].count(b"\n") + 1
        raise ConfigError(f"{path}, line {line}: not UTF-8 text", "save the file as UTF-8") from None


def _read_bytes(path: Path) -> tuple[bytes, tuple[str, ...]]:
    with open_at_once(path) as stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ConfigError(f"the config file {path} is not a regular file", "name the file itself")
        if status.st_size > SIZE_LIMIT:
            raise ConfigError(f"the config file {path} is larger than {SIZE_LIMIT >> 20} MiB", "is it the right file?")
        warnings = []
        if os.name == "posix":
            if status.st_mode & 0o022:
                raise ConfigError(
                    f"the config file {path} can be written by others: they could point it at their own host",
                    f"chmod 600 {path}",
                )
            if status.st_mode & 0o044:
                warnings.append(f"{path} can be read by others: chmod 600 {path}")
        return stream.read(SIZE_LIMIT + 1), tuple(warnings)


def _check_top(document: Document) -> None:
    for key in document.data:
        if key not in ("defaults", "profiles"):
            _fail(document, "", key, f'unknown key "{key}"{declare.nearest(key, ("defaults", "profiles"))}')
    for key in ("defaults", "profiles"):
        if not isinstance(document.data.get(key, {}), dict):
            _fail(document, "", key, f'"{key}" must be a table')


def _check_name(document: Document, name: str) -> None:
    if problem := name_problem(document, name):
        _fail(document, f"profiles.{name}", "", problem)


def name_problem(document: Document, name: str) -> str:
    """Why a profile cannot have this name in this config, or nothing."""
    if not re.fullmatch(_PROFILE_NAME, name):
        return "a profile name has letters, digits, _ and - only, and at most 64 of them"
    if environment_prefix(name) == environment_prefix("all"):
        return 'a profile cannot be called "all"'
    twins = [other for other in document.names.get(environment_prefix(name), ()) if other != name]
    return f'its name and "{twins[0]}" are the same in the environment' if twins else ""


def _fail(document: Document, table: str, key: str, problem: str, hint: str = "correct the file and run again") -> None:
    raise ConfigError(f"{_place(document, table, key)}: {problem}", hint)


def _place(document: Document, table: str, key: str) -> str:
    if document.path is None:
        return f"[{table}], set in the environment"
    line = line_of(document.text, table, key)
    at = f", line {line}" if line else ""
    inside = f" [{table}]" if table else ""
    return f"{document.path}{at}{inside}"


def line_of(text: str, table: str, key: str) -> int | None:
    """The line of a key in a table or of the table itself, else of what holds it; None when this does not see it."""
    wanted = f"{table}.{key}" if table and key else table or key
    current, above, depth = "", None, 0
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip()
        if match := re.match(r"\[+\s*([^\[\]]+?)\s*\]+", line):
            here = current = _dotted(match[1])
        elif "=" in line and not line.startswith("#"):
            name = _dotted(line.split("=", 1)[0])
            here = f"{current}.{name}" if current else name
        else:
            continue
        if here == wanted or here.startswith(f"{wanted}."):
            return number
        if wanted.startswith(f"{here}.") and len(here) >= depth:
            above, depth = number, len(here)
    return above


def _dotted(key: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in key.split("."))


# --- profiles -------------------------------------------------------------------------------------------------------


def environment_prefix(profile: str) -> str:
    """What the names of a profile's environment variables begin with."""
    return f"CANCELALL_{profile.upper().replace('-', '_')}_"


def credential_path(profile: str, field: str, environ: Mapping[str, str]) -> Path | None:
    """A secret's file in the credentials directory; None when no directory is set."""
    directory = environ.get("CREDENTIALS_DIRECTORY")
    return Path(directory) / f"cancelall.{profile}.{field}" if directory else None


def at_hand(profile: str, field: str, environ: Mapping[str, str]) -> bool:
    """Whether the environment or the credentials directory has a secret. Nothing is read, and nothing raised."""
    path = credential_path(profile, field, environ)
    return bool(environ.get(environment_prefix(profile) + field.upper())) or (
        path is not None and os.path.exists(path)  # noqa: PTH110 - Path.exists raises for a directory of somebody else
    )


def venue_profiles(document: Document, venue: str) -> tuple[str, ...]:
    """The profiles of one venue, in the order of the file."""
    return tuple(
        name for name, table in document.tables.items() if isinstance(table, dict) and table.get("venue") == venue
    )


def choose(document: Document, venue: str, asked: str | None) -> str:
    """Which profile `cancelall VENUE` means. Raises ConfigError with the candidates when that is not clear."""
    mine = venue_profiles(document, venue)
    if asked is not None:
        if asked in document.tables:
            if asked not in mine:
                other = document.tables[asked].get("venue") if isinstance(document.tables[asked], dict) else None
                raise ConfigError(
                    f'profile "{asked}" is of venue {other}, not of {venue}',
                    f"profiles of {venue}: {', '.join(mine) or 'none'}",
                )
            return asked
        if asked == venue:
            return asked
        raise ConfigError(
            f'there is no profile "{asked}"{declare.nearest(asked, mine)}',
            f"profiles of {venue}: {', '.join(mine) or 'none'}",
        )
    if venue in mine or not mine:
        if venue in document.tables and venue not in mine:
            table = document.tables[venue]
            other = table.get("venue") if isinstance(table, dict) else None
            raise ConfigError(
                f'profile "{venue}" is of venue {other}', f"give it another name, or set its venue to {venue}"
            )
        return venue
    if len(mine) == 1:
        return mine[0]
    raise ConfigError(
        f"{venue} has several profiles and none is named {venue}", f"add --profile with one of: {', '.join(mine)}"
    )


def profile(
    document: Document, name: str, environ: Mapping[str, str], overrides: Overrides, implicit_venue: str | None = None
) -> Profile | BrokenProfile:
    """A profile from the file, the environment and the command line, in rising order.

    Raises OptionError only for what stood on the command line.
    """
    table = document.tables.get(name, {"venue": implicit_venue} if implicit_venue else {})
    venue = table.get("venue") if isinstance(table, dict) else None
    try:
        return _profile(document, name, table, environ, overrides)
    except ConfigError as error:
        return BrokenProfile(name=name, venue=venue if isinstance(venue, str) else "", error=error)


def _profile(document: Document, name: str, table: Any, environ: Mapping[str, str], overrides: Overrides) -> Profile:
    where = f"profiles.{name}"
    _check_name(document, name)
    if not isinstance(table, dict):
        _fail(document, where, "", "a profile must be a table")
    venue_name = table.get("venue")
    if not isinstance(venue_name, str):
        _fail(document, where, "venue", f"venue is missing: one of {', '.join(VENUES)}")
    if venue_name not in VENUES:
        _fail(document, where, "venue", f'unknown venue "{venue_name}"{declare.nearest(str(venue_name), VENUES)}')
    accepts = schema(str(venue_name))
    items = {item.key: item for item in declare.declared(accepts.options)}
    common_items = {item.key: item for item in declare.declared(Common)}
    _check_keys(document, where, table, [*items, *common_items, "venue", "secret_command", "credentials"])
    _check_keys(document, "defaults", document.data.get("defaults", {}), DEFAULTS_KEYS)

    common = _values(document, "defaults", document.data.get("defaults", {}), common_items)
    common |= _values(document, where, table, common_items)
    from_environment = _environment_values(name, common_items, environ)
    common |= from_environment
    values = _values(document, where, table, items) | _environment_values(name, items, environ)
    chosen = declare.selectors(accepts.options)
    flags = dict(overrides.options)
    if overrides.everything or any(key in chosen for key in flags):
        values = {key: value for key, value in values.items() if key not in chosen}
    for key, value in (
        ("environment", overrides.environment),
        ("deadline", overrides.deadline),
        ("keep_protective", overrides.keep_protective),
    ):
        if value is not None:
            common[key] = value
    options = _options(document, where, accepts.options, values, flags)
    made = Common(**common)  # type: ignore[arg-type]
    environment = made.environment or "live"
    if environment not in accepts.hosts:
        problem = (
            f'{VENUES[venue_name]} has no environment "{environment}"{declare.nearest(environment, accepts.hosts)}'
        )
        if overrides.environment is not None:
            raise OptionError(f"--environment: {problem}", f"one of {', '.join(accepts.hosts)}")
        source = _source(document, where, "environment", name, from_environment)
        raise ConfigError(f"{source}: {problem}", f"one of {', '.join(accepts.hosts)}")
    origin = accepts.hosts[environment]
    if made.base_url:
        origin = _origin(made.base_url, lambda: _source(document, where, "base_url", name, from_environment))
    scope = {
        key: getattr(options, key) for key in items if key in chosen and getattr(options, key) not in (None, (), False)
    }
    secret_fields = declare.secrets_of(accepts.secrets)
    return Profile(
        name=name,
        venue=venue_name,
        environment=environment,
        origin=origin,
        common=made,
        options=options,
        scope=scope,
        secret_command=_secret_commands(document, where, table, secret_fields, name, environ),
        credentials=_credentials(document, where, table, secret_fields),
        warnings=(
            *(document.warnings if table.get("credentials") else ()),
            *_stray_variables(name, document, environ, [*items, *common_items, *secret_fields]),
        ),
    )


def _options(
    document: Document, where: str, declaration: type, values: dict[str, object], flags: dict[str, object]
) -> Any:  # noqa: ANN401
    """The venue's options; a broken rule is the command line's fault only if the rest would have been fine."""
    try:
        plain = declare.build(declaration, values)
    except OptionError as error:
        if not flags:
            raise ConfigError(f"{_place(document, where, '')}: {error.message}", error.hint) from None
        plain = None
    if not flags:
        return plain
    items = {item.key: item for item in declare.declared(declaration)}
    for key, value in flags.items():
        try:
            values[key] = declare.from_value(items[key], value)
        except OptionError as error:
            raise OptionError(f"{items[key].flag} {error.message}", error.hint) from None
    return declare.build(declaration, values)


def _check_keys(document: Document, where: str, table: Mapping[str, Any], valid: Any) -> None:  # noqa: ANN401
    for key in table:
        if key not in valid:
            _fail(document, where, key, f'unknown key "{key}"{declare.nearest(key, valid)}')


def _source(document: Document, where: str, key: str, name: str, from_environment: Container[str]) -> str:
    """What set a key, in words: a variable, or a place in the file."""
    if key in from_environment:
        return f"environment variable {environment_prefix(name)}{key.upper()}"
    return _place(document, where, key)


def _values(
    document: Document, where: str, table: Mapping[str, Any], items: Mapping[str, Declared]
) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in table.items():
        if key in items:
            try:
                found[key] = declare.from_value(items[key], value)
            except OptionError as error:
                _fail(document, where, key, f"{key} {error.message}")
    return found


def _environment_values(name: str, items: Mapping[str, Declared], environ: Mapping[str, str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, item in items.items():
        variable = environment_prefix(name) + key.upper()
        if text := environ.get(variable):
            try:
                if key == "notify_command":
                    import shlex

                    found[key] = declare.from_value(item, shlex.split(text))
                else:
                    found[key] = declare.from_text(item, text)
            except (OptionError, ValueError) as error:
                told = error.message if isinstance(error, OptionError) else "is not a command line"
                raise ConfigError(f"environment variable {variable} {told}", "correct or unset it") from None
    return found


def _stray_variables(name: str, document: Document, environ: Mapping[str, str], valid: list[str]) -> list[str]:
    """Variables that look like this profile's but are no key of it: a misspelt selector would widen the cancel."""
    prefix = environment_prefix(name)
    known = {prefix + key.upper() for key in (*valid, "venue", "secret_command")}
    stray = sorted(variable for variable in environ if variable.startswith(prefix) and variable not in known)
    longer = [other for other in document.names if other.startswith(prefix) and other != prefix] if stray else []
    return [
        f"{variable} is no key of profile {name}{declare.nearest(variable[len(prefix) :].lower(), valid)}: ignored"
        for variable in stray
        if not any(variable.startswith(one) for one in longer)
    ]


def _origin(url: str, source: Callable[[], str]) -> str:
    """An origin, without path or user. Plain http only on this machine: elsewhere keys would travel in clear.

    `source` tells what set it. It is asked in trouble only: to look a line up for each of 1,000 profiles takes 20 s.
    """
    from cancelall.route import is_loopback

    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        parts, port = urlsplit(""), ""
    host = parts.hostname or ""
    if (
        parts.scheme not in ("https", "http")
        or not host
        or parts.path not in ("", "/")
        or parts.query
        or parts.fragment
    ):
        raise ConfigError(f"{source()}: base_url must be an origin such as https://api.example.com", "correct base_url")
    if parts.username is not None or parts.password is not None or not re.fullmatch(r"[A-Za-z0-9.:_-]+", host):
        raise ConfigError(f"{source()}: base_url must be scheme, host and port only", "correct base_url")
    if parts.scheme == "http" and not is_loopback(host):
        raise ConfigError(f"{source()}: http is allowed on loopback only: keys would travel in clear", "use https")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}{port}"


def _secret_commands(
    document: Document,
    where: str,
    table: Mapping[str, Any],
    fields: Mapping[str, Any],
    name: str,
    environ: Mapping[str, str],
) -> dict[str, tuple[str, ...]]:
    commands = table.get("secret_command", {})
    text = environ.get(environment_prefix(name) + "SECRET_COMMAND")
    hint = 'write it as secret_command = { api_secret = ["pass", "show", "name"] }'
    if text:
        import tomllib

        try:
            commands = tomllib.loads(f"x = {text}")["x"]
        except (ValueError, RecursionError):
            commands = None

    def refuse(key: str, problem: str) -> ConfigError:
        if text:
            return ConfigError(f"environment variable {environment_prefix(name)}SECRET_COMMAND: {problem}", hint)
        inside = f"{where}.secret_command" if key else where
        return ConfigError(f"{_place(document, inside, key or 'secret_command')}: {problem}", hint)

    if not isinstance(commands, dict):
        raise refuse("", "secret_command must be a table of argument lists, one for each secret")
    for key, words in commands.items():
        if key not in fields:
            raise refuse(key, f'unknown secret "{key}"{declare.nearest(key, fields)}')
        if (
            not isinstance(words, list)
            or not words
            or not all(isinstance(word, str) and word and "\0" not in word for word in words)
        ):
            raise refuse(key, f"secret_command.{key} must be a list of words: no shell is used")
    return {key: tuple(words) for key, words in commands.items()}


def _credentials(
    document: Document, where: str, table: Mapping[str, Any], fields: Mapping[str, Any]
) -> dict[str, Secret]:
    given = table.get("credentials", {})
    if not isinstance(given, dict):
        _fail(document, where, "credentials", "credentials must be a table")
    inside = f"{where}.credentials"
    for key, value in given.items():
        if key not in fields:
            _fail(document, inside, key, f'unknown secret "{key}"{declare.nearest(key, fields)}')
        if not isinstance(value, str):
            _fail(document, inside, key, f"{key} must be text")
    return {key: Secret(value) for key, value in given.items() if value}


# --- writing --------------------------------------------------------------------------------------------------------


def write_private(path: Path, text: str, *, new: bool = False) -> None:
    """Write a file that only its owner can read, all or nothing. With `new`, an existing one is left alone.

    Raises FileExistsError, OSError.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    import tempfile  # with what it brings, 3 ms that a kill does not need

    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        if new:
            os.link(temporary, path)  # refuses an existing name, unlike a rename
        else:
            os.replace(temporary, path)  # noqa: PTH105 - Path.replace is the same call
    finally:
        Path(temporary).unlink(missing_ok=True)


def default_notify(document: Document | None) -> tuple[str, ...]:
    """The notify command of `[defaults]`, for profiles that cannot be read; none if it is no list of words."""
    defaults = document.data.get("defaults") if document is not None else None
    words = defaults.get("notify_command") if isinstance(defaults, dict) else None
    fits = isinstance(words, list) and all(isinstance(word, str) for word in words)
    return tuple(words) if fits and words else ()


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
