"""What the configuration means: profiles from the file, the environment and the command line, and whether they make
sense. Every mistake names the key, the table and the line.

One broken profile does not stop the others: it becomes a `BrokenProfile`, which is reported as unconfigured.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Container, Mapping
from typing import Any

from cancelall.config.toml_file import Document, fail, place, too_deep
from cancelall.core import declare
from cancelall.core.declare import Declared
from cancelall.core.errors import ConfigError, OptionError
from cancelall.core.profile import (
    BrokenProfile,
    Common,
    Overrides,
    Profile,
    bracketed,
    credential_path,
    environment_prefix,
)
from cancelall.core.quoting import quoted, veiled
from cancelall.core.secret import Secret
from cancelall.net.head_start import usual_host
from cancelall.venues.registry import VENUES, schema

_OF_NAMES = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
DEFAULTS_KEYS = tuple(item.key for item in declare.declared(Common) if item.opt.defaults)
"""Keys of `[defaults]`: those that make sense for every profile."""


def name_problem(document: Document, name: str) -> str:
    """Why a profile cannot have this name in this config, or nothing."""
    if not _is_name(name):
        return "a profile name has letters, digits, _ and - only, and at most 64 of them"
    if environment_prefix(name) == environment_prefix("all"):
        return 'a profile cannot be called "all"'
    others = [other for other in document.names.get(environment_prefix(name), ()) if other != name]
    return f'its name and "{quoted(others[0])}" are the same in the environment' if others else ""


def _is_name(name: str) -> bool:
    return 0 < len(name) <= 64 and not name.strip(_OF_NAMES)


def shown_name(name: str) -> str:
    """A profile's name wherever it is told: as it is if it can be one, else as any other word that somebody typed."""
    return name if _is_name(name) else quoted(name)


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


def choose(document: Document, venue: str, wanted: str | None) -> str:
    """Which profile `cancelall VENUE` means. Raises ConfigError with the candidates when that is not clear."""
    mine = venue_profiles(document, venue)

    def shown() -> str:
        return ", ".join(map(shown_name, mine))

    if wanted is not None:
        if wanted in document.tables:
            if wanted not in mine:
                other = _venue_of(document.tables[wanted]) or "none"
                problem = f'profile "{quoted(wanted)}" is of venue {other}, not of {venue}'
                raise ConfigError(problem, f"profiles of {venue}: {shown() or 'none'}")
            return wanted
        if wanted == venue:
            return wanted
        problem = f'there is no profile "{quoted(wanted)}"{declare.nearest(wanted, mine)}'
        raise ConfigError(problem, f"profiles of {venue}: {shown() or 'none'}")
    if venue in mine or not mine:
        if venue in document.tables and venue not in mine:
            raise ConfigError(
                f'profile "{venue}" is of venue {_venue_of(document.tables[venue]) or "none"}',
                f"give it another name, or set its venue to {venue}",
            )
        return venue
    if len(mine) == 1:
        return mine[0]
    raise ConfigError(
        f"{venue} has several profiles and none is named {venue}", f"add --profile with one of: {shown()}"
    )


def _venue_of(table: object) -> str:
    """The venue that a profile's table names, as it may be shown; empty when it names none."""
    venue = table.get("venue") if isinstance(table, dict) else None
    return quoted(venue) if isinstance(venue, str) else ""


def profile(
    document: Document, name: str, environ: Mapping[str, str], overrides: Overrides, implicit_venue: str | None = None
) -> Profile | BrokenProfile:
    """A profile from file, environment and command line, in rising order. Raises OptionError for the last alone."""
    table = document.tables.get(name, {"venue": implicit_venue} if implicit_venue else {})
    try:
        return _profile(document, name, table, environ, overrides)
    except ConfigError as error:
        return BrokenProfile(name=shown_name(name), venue=_venue_of(table), error=error)


def _profile(document: Document, name: str, table: Any, environ: Mapping[str, str], overrides: Overrides) -> Profile:
    where = f"profiles.{name}"
    if problem := name_problem(document, name):
        fail(document, where, "", problem)
    if not isinstance(table, dict):
        fail(document, where, "", "a profile must be a table")
    venue_name = table.get("venue")
    if not isinstance(venue_name, str):
        meant = next((key for key in table if key != "venue" and declare.nearest(key, ("venue",))), "venue")
        mistake = "venue is missing" if meant == "venue" else f'unknown key "{quoted(meant)}" (did you mean "venue"?)'
        fail(document, where, meant, f"{mistake}: one of {', '.join(VENUES)}")
    if venue_name not in VENUES:
        fail(document, where, "venue", f'unknown venue "{quoted(venue_name)}"{declare.nearest(venue_name, VENUES)}')
    accepts = schema(venue_name)
    items = {item.key: item for item in declare.declared(accepts.options)}
    secret_fields = declare.secrets_of(accepts.secrets)
    common_items = {item.key: item for item in declare.declared(Common)}
    # A text under a key that is also the name of a secret is the secret: as a selector it would leave every order.
    secret = {key for key in common_items if key in secret_fields and not isinstance(table.get(key), list)}
    valid = [*items, *(key for key in common_items if key not in secret), "venue", "secret_command", "credentials"]
    _check_keys(document, where, table, valid, secret_fields)
    _check_keys(document, "defaults", document.data.get("defaults", {}), DEFAULTS_KEYS, secret_fields)

    common = _values(document, "defaults", document.data.get("defaults", {}), common_items)
    common |= _values(document, where, table, common_items)
    named = {key: item for key, item in common_items.items() if key not in secret_fields}
    from_environment = _environment_values(name, named, environ)
    common |= from_environment
    values = _values(document, where, table, items) | _environment_values(name, items, environ)
    chosen = declare.selectors(accepts.options) | declare.selectors(Common)
    flags = dict(overrides.options)
    on_line = {item.key: getattr(overrides, item.key, None) for item in declare.declared(Common)}
    on_line = {key: value for key, value in on_line.items() if value not in (None, ())}
    if overrides.everything or any(key in chosen for key in (*flags, *on_line)):
        values = {key: value for key, value in values.items() if key not in chosen}
        common = {key: value for key, value in common.items() if key not in chosen}
    common |= on_line
    options = _options(document, where, accepts.options, values, flags)
    made = Common(**common)  # type: ignore[arg-type]
    _check_client_ids(venue_name, made, on_line, lambda key: _source(document, where, key, name, from_environment))
    proxy_table = where if "proxy" in table else "defaults"
    _check_proxy(made.proxy, lambda: _source(document, proxy_table, "proxy", name, from_environment))
    environment = made.environment or "live"
    if environment not in accepts.hosts:
        problem = (
            f'{VENUES[venue_name]} has no environment "{quoted(environment)}"'
            f"{declare.nearest(environment, accepts.hosts)}"
        )
        if overrides.environment is not None:
            raise OptionError(f"--environment: {problem}", f"one of {', '.join(accepts.hosts)}")
        source = _source(document, where, "environment", name, from_environment)
        raise ConfigError(f"{source}: {problem}", f"one of {', '.join(accepts.hosts)}")
    origin, further = accepts.hosts[environment], accepts.further.get(environment, {})
    if made.base_url:
        origin = _origin(made.base_url, lambda: _source(document, where, "base_url", name, from_environment))
        further = dict.fromkeys(further, origin)
    said = {**{key: getattr(options, key) for key in items}, **vars(made)}
    scope = {key: value for key, value in said.items() if key in chosen and value not in (None, (), False)}
    return Profile(
        name=name,
        venue=venue_name,
        environment=environment,
        origin=origin,
        common=made,
        options=options,
        scope=scope,
        further=further,
        uses=accepts.uses(options, environment),
        secret_command=_secret_commands(document, name, table, secret_fields, environ),
        credentials=_credentials(document, where, table, secret_fields),
        warnings=(
            *(document.warnings if table.get("credentials") else ()),
            *_stray_variables(name, document, environ, [*items, *common_items, *secret_fields]),
        ),
    )


def _options(
    document: Document, where: str, declaration: type, values: dict[str, object], flags: dict[str, object]
) -> Any:
    """The venue's options; a broken rule is the file's fault where the command line has none of them.

    A rule may quote a value, which may be a secret that was pasted there.
    """
    items = {item.key: item for item in declare.declared(declaration)}
    for key, value in flags.items():
        try:
            values[key] = declare.from_value(items[key], value)
        except OptionError as error:
            raise OptionError(f"{items[key].flag} {error.message}", error.hint) from None
    try:
        return declaration(**values)
    except OptionError as error:
        given = [one for value in values.values() for one in (value if isinstance(value, tuple) else (value,))]
        words = [one for one in given if isinstance(one, str)]
        message, hint = veiled(error.message, words), veiled(error.hint, words)
        if flags:
            raise OptionError(message, hint) from None
        raise ConfigError(f"{place(document, where, '')}: {message}", hint) from None


def _check_keys(
    document: Document, where: str, table: Mapping[str, Any], valid: Collection[str], secrets: Collection[str]
) -> None:
    for key in table:
        if key not in valid and key in (*secrets, "credentials", "secret_command"):
            profile = where if where.startswith("profiles.") else "profiles.NAME"
            inside = f"[{profile}.credentials]" if key in secrets else f"[{profile}]"
            fail(document, where, key, f"{key} stands in the wrong table", f"put it into {inside}")
        if key not in valid:
            fail(document, where, key, f'unknown key "{quoted(key)}"{declare.nearest(key, valid)}')


def _source(document: Document, where: str, key: str, name: str, from_environment: Container[str]) -> str:
    """What set a key, in words: a variable, or a place in the file."""
    if key in from_environment:
        return f"environment variable {environment_prefix(name)}{key.upper()}"
    return place(document, where, key)


def _values(
    document: Document, where: str, table: Mapping[str, Any], items: Mapping[str, Declared]
) -> dict[str, object]:
    values: dict[str, object] = {}
    for key, value in table.items():
        if key in items:
            try:
                values[key] = declare.from_value(items[key], value)
            except OptionError as error:
                fail(document, where, key, f"{key} {error.message}")
    return values


def _environment_values(name: str, items: Mapping[str, Declared], environ: Mapping[str, str]) -> dict[str, object]:
    values: dict[str, object] = {}
    for key, item in items.items():
        variable = environment_prefix(name) + key.upper()
        if text := environ.get(variable):
            try:
                values[key] = declare.from_text(item, text)
            except OptionError as error:
                raise ConfigError(f"environment variable {variable} {error.message}", "correct or unset it") from None
    return values


def _stray_variables(name: str, document: Document, environ: Mapping[str, str], valid: list[str]) -> list[str]:
    """Variables that look like this profile's but are no key of it: a misspelt selector would widen the cancel."""
    prefix = environment_prefix(name)
    known = {prefix + key.upper() for key in (*valid, "venue", "secret_command")}
    stray = sorted(variable for variable in environ if variable.startswith(prefix) and variable not in known)
    longer = [other for other in document.names if other.startswith(prefix) and other != prefix] if stray else []
    return [
        f"{prefix}{quoted(variable[len(prefix) :])} is no key of profile {name}"
        f"{declare.nearest(variable[len(prefix) :].lower(), valid)}: ignored"
        for variable in stray
        if not any(variable.startswith(one) for one in longer)
    ]


def _check_client_ids(venue: str, made: Common, on_line: Container[str], source: Callable[[str], str]) -> None:
    """Refuse prefixes of client ids that no order of a venue can have: nothing would be cancelled, and called clear.

    Raises OptionError for those of the line, else ConfigError.
    """
    accepts = schema(venue)
    for item in declare.declared(Common):
        for prefix in getattr(made, item.key) if item.opt.selector else ():
            if re.fullmatch(accepts.client_ids or r"(?!)", prefix):
                continue
            problem = f"no client id of {VENUES[venue]} begins with {quoted(prefix)}: {accepts.client_ids_are}"
            hint = "correct it"
            if not accepts.client_ids:
                problem = f"the listings of {VENUES[venue]} show no client ids: no order can be selected by one"
                hint = f"leave {item.flag} out, or select by something else"
            if item.key in on_line:
                raise OptionError(f"{item.flag}: {problem}", hint)
            raise ConfigError(f"{source(item.key)}: {problem}", hint)


def _check_proxy(proxy: str | None, source: Callable[[], str]) -> None:
    """Refuse what requests cannot go through: that it cannot be used would be told in the emergency only."""
    from cancelall.net.route import PROXY_HINT, proxy_problem

    if proxy and (problem := proxy_problem(proxy)):
        raise ConfigError(f"{source()}: proxy: {problem}", PROXY_HINT)


def _origin(url: str, source: Callable[[], str]) -> str:
    """An origin, without path or user. Plain http only on this machine: elsewhere keys would travel in clear.

    `source` tells what set it. It is called in trouble only: to look a line up for each of 1,000 profiles takes 20 s.
    """
    from cancelall.net.route import is_loopback

    if usual_host(url):
        return url  # as it is: what takes apart whatever somebody typed has a good deal to import
    from urllib.parse import urlsplit

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
    return f"{parts.scheme}://{bracketed(host)}{port}"


def _secret_commands(
    document: Document, name: str, table: Mapping[str, Any], fields: Mapping[str, Any], environ: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    commands, where = table.get("secret_command", {}), f"profiles.{name}"
    variable = environment_prefix(name) + "SECRET_COMMAND"
    text = environ.get(variable)
    hint = 'write it as secret_command = { api_secret = ["pass", "show", "name"] }'
    if text:
        import tomllib

        try:
            commands = None if too_deep(text) else tomllib.loads(f"x = {text}")["x"]
        except (ValueError, RecursionError):
            commands = None

    def refuse(key: str, problem: str) -> ConfigError:
        if text:
            return ConfigError(f"environment variable {variable}: {problem}", hint)
        inside = f"{where}.secret_command" if key else where
        return ConfigError(f"{place(document, inside, key or 'secret_command')}: {problem}", hint)

    if not isinstance(commands, dict):
        raise refuse("", "secret_command must be a table of argument lists, one for each secret")
    for key, words in commands.items():
        if key not in fields:
            raise refuse(key, f'unknown secret "{quoted(key)}"{declare.nearest(key, fields)}')
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
        fail(document, where, "credentials", "credentials must be a table")
    inside = f"{where}.credentials"
    for key, value in given.items():
        if key not in fields:
            fail(document, inside, key, f'unknown secret "{quoted(key)}"{declare.nearest(key, fields)}')
        if not isinstance(value, str):
            fail(document, inside, key, f"{key} must be text")
    return {key: Secret(value) for key, value in given.items() if value}


def default_notify(document: Document | None) -> tuple[str, ...]:
    """The notify command of `[defaults]`, for profiles that cannot be read; none if it is no list of words."""
    defaults = document.data.get("defaults") if document is not None else None
    words = defaults.get("notify_command") if isinstance(defaults, dict) else None
    fits = isinstance(words, list) and all(isinstance(word, str) for word in words)
    return tuple(words) if fits and words else ()
