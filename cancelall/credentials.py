"""Where secrets come from: five sources in a fixed order, each secret by itself, the source recorded.

An empty value is not set; the first source that has a value wins; a source that is configured but fails is an error,
never a fall-through.
"""

from __future__ import annotations

import os
import stat
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cancelall import declare
from cancelall.config import Profile, credential_path
from cancelall.config_toml import environment_prefix
from cancelall.declare import Form, Sec
from cancelall.errors import SecretError
from cancelall.files import open_at_once
from cancelall.secret import Secret, scrub
from cancelall.venues import load, schema

COMMAND_SECONDS = 5.0
KEYRING_SECONDS = 3.0
_FILE_LIMIT = 16 << 10
_OUTPUT_LIMIT = 16 << 10
_PASSED_ON = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "DBUS_SESSION_BUS_ADDRESS",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "GNUPGHOME",
    "GPG_TTY",
    "PASSWORD_STORE_DIR",
    "SSH_AUTH_SOCK",
    "VAULT_ADDR",
    "VAULT_TOKEN",
    "OP_SERVICE_ACCOUNT_TOKEN",
    "BW_SESSION",
    "SystemRoot",
)
"""What a secret_command sees of our environment: never the secrets of other profiles."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A venue's Secrets, where each came from, and what is worth a warning."""

    secrets: Any
    sources: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...] = ()


def resolve(profile: Profile, environ: Mapping[str, str]) -> Found:
    """All secrets of a profile. Blocks for as long as its sources take; each is bounded.

    Raises SecretError that names every missing secret and all places looked in, or the one that failed.
    """
    accepts = schema(profile.venue)
    values: dict[str, Secret] = {}
    sources: list[tuple[str, str]] = []
    warnings: list[str] = []
    missing: list[str] = []
    for field, sec in declare.secrets_of(accepts.secrets).items():
        # A keyring can hang for seconds: what is not needed is looked for there only if the rest came from there.
        keyring = not sec.optional or any(source == "keyring" for _, source in sources)
        found = look_up(profile, field, sec, environ, warnings, keyring=keyring)
        if found is not None:
            values[field], source = found
            sources.append((field, source))
        elif not sec.optional:
            missing.append(field)
    if missing:
        raise SecretError(
            f"no {' and no '.join(missing)}: looked in {_places(profile, missing[0], environ)}", _how_to_set(profile)
        )
    try:
        secrets = accepts.secrets(**values)
        load(profile.venue).check_secrets(secrets, profile.options)
    except SecretError as error:
        raise SecretError(error.message, error.hint or _how_to_set(profile)) from None
    return Found(secrets=secrets, sources=tuple(sources), warnings=tuple(warnings))


def look_up(
    profile: Profile, field: str, sec: Sec, environ: Mapping[str, str], warnings: list[str], *, keyring: bool = True
) -> tuple[Secret, str] | None:
    """One secret in its declared form, and its source in words; None when no source has it. Raises SecretError."""
    found = _first(profile, field, environ, warnings, keyring=keyring)
    if found is None:
        return None
    text, source = found
    return Secret(checked(field, sec.form, text, source)), source


def before_keyring(profile: Profile, field: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The sources that are set for a secret and win over the keyring, in words; none of them is read."""
    found = []
    if path := credential_path(profile.name, field, environ):
        found += [f"credentials directory ({path.name})"] if os.path.exists(path) else []  # noqa: PTH110 - it never raises
    variable = environment_prefix(profile.name) + field.upper()
    found += [f"environment ({variable})"] if _trimmed(environ.get(variable)) else []
    found += ["secret_command"] if field in profile.secret_command else []
    found += ["config file"] if field in profile.credentials else []
    return tuple(found)


def _first(
    profile: Profile, field: str, environ: Mapping[str, str], warnings: list[str], *, keyring: bool
) -> tuple[str, str] | None:
    """The value from the first source that has one, and that source in words."""
    path = credential_path(profile.name, field, environ)
    if path is not None and (text := _from_file(path, warnings)):
        return text, f"credentials directory ({path.name})"
    variable = environment_prefix(profile.name) + field.upper()
    if text := _trimmed(environ.get(variable)):
        return text, f"environment ({variable})"
    if field in profile.secret_command:
        return _from_command(profile.secret_command[field], field, environ), "secret_command"
    if field in profile.credentials and (text := _trimmed(profile.credentials[field].reveal())):
        return text, "config file"
    if keyring and (text := _trimmed(_from_keyring(profile, field))):
        return text, "keyring"
    return None


def _trimmed(text: str | None) -> str | None:
    """Without the line break that editors and `echo` leave at the end; None when nothing is left."""
    return (text or "").removesuffix("\n").removesuffix("\r") or None


def _places(profile: Profile, field: str, environ: Mapping[str, str]) -> str:
    prefix = environment_prefix(profile.name)
    places = [
        f"${prefix}{field.upper()}",
        "secret_command and [credentials] of the config",
        f"the keyring (cancelall, {profile.name}.{field})",
    ]
    if environ.get("CREDENTIALS_DIRECTORY"):
        places.insert(0, f"$CREDENTIALS_DIRECTORY/cancelall.{profile.name}.{field}")
    else:
        places.insert(0, "the credentials directory (none is set)")
    return ", ".join(places)


def _how_to_set(profile: Profile) -> str:
    prefix = environment_prefix(profile.name)
    return (
        f"run: cancelall auth set {profile.name}; or set {prefix}… in the environment, "
        f"or [profiles.{profile.name}.credentials] in the config"
    )


def _from_file(path: Path, warnings: list[str]) -> str | None:
    """A credential file. Containers mount them as symlinks that all can read: that is a warning, not an error."""
    try:
        stream = open_at_once(path)
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise SecretError(f"{path} cannot be read: {fault.strerror}", "correct its owner and mode (0400)") from None
    with stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise SecretError(f"{path} is not a file", "correct the credentials directory")
        if os.name == "posix" and status.st_mode & 0o022:
            raise SecretError(f"{path} can be written by others", f"chmod 400 {path}")
        if os.name == "posix" and status.st_mode & 0o044:
            warnings.append(f"{path} can be read by others: chmod 400 {path}")
        raw = stream.read(_FILE_LIMIT + 1)
    return _decoded(raw, f"{path}")


def _decoded(raw: bytes, name: str) -> str | None:
    if len(raw) > _FILE_LIMIT:
        raise SecretError(f"{name} is longer than {_FILE_LIMIT >> 10} KiB", "is it the right file?")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise SecretError(f"{name} is not UTF-8 text", "a secret is plain text") from None
    return _trimmed(text)


def _from_command(words: tuple[str, ...], field: str, environ: Mapping[str, str]) -> str:
    """What a command prints: no shell, no stdin, bounded in time and size. Its whole process group is ended."""
    name = f"secret_command of {field} ({words[0]})"
    passed = {key: environ[key] for key in _PASSED_ON if key in environ}
    try:
        process = subprocess.Popen(  # noqa: S603 - the user's own argument list
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=passed,
            start_new_session=True,
        )
    except (OSError, ValueError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "it cannot be run"
        raise SecretError(f"{name} could not be started: {reason}", "correct secret_command") from None
    chunks: dict[str, bytes] = {}
    readers = [
        threading.Thread(target=_drain, args=(stream, key, chunks), daemon=True)
        for key, stream in (("out", process.stdout), ("err", process.stderr))
    ]
    for reader in readers:
        reader.start()
    until = time.monotonic() + COMMAND_SECONDS
    for reader in readers:
        reader.join(max(0.0, until - time.monotonic()))
    try:
        code = process.wait(max(0.01, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        _end(process)
        code = None
    if len(chunks.get("out", b"")) > _OUTPUT_LIMIT:
        raise SecretError(f"{name} printed more than {_OUTPUT_LIMIT >> 10} KiB", "is it the right command?")
    if code is None:
        raise SecretError(f"{name} did not end within {COMMAND_SECONDS:g} s", "does it ask for something?")
    if code != 0:
        said = scrub(chunks.get("err", b"").decode(errors="replace"))[:200].strip()
        raise SecretError(f"{name} ended with code {code}{': ' + said if said else ''}", "run it by hand to see why")
    text = _decoded(chunks.get("out", b""), f"the output of {name}")
    if text is None:
        raise SecretError(f"{name} printed nothing", "run it by hand to see why")
    return text


def _drain(stream: Any, key: str, chunks: dict[str, bytes]) -> None:  # noqa: ANN401 - a pipe
    """Keep what fits. Too much output ends here, and with the pipe its writer; too many messages are thrown away."""
    with stream:
        while chunk := stream.read1(65536):
            chunks[key] = (chunks.get(key, b"") + chunk)[: _OUTPUT_LIMIT + 1]
            if key == "out" and len(chunks[key]) > _OUTPUT_LIMIT:
                return


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        if os.name == "posix":
            import signal

            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait(1)
    except (OSError, subprocess.TimeoutExpired):
        return


def _from_keyring(profile: Profile, field: str) -> str | None:
    """One item of the OS keyring. A back-end that the profile names is loaded directly, without detection."""
    from cancelall import keyrings

    return keyrings.bounded(
        keyrings.item_of(profile.name, field),
        "reading",
        lambda: keyrings.read(profile.common.keyring_backend, profile.name, field),
        KEYRING_SECONDS,
    )


# --- forms ----------------------------------------------------------------------------------------------------------


def checked(field: str, form: Form, text: str, source: str) -> str:
    """The secret, if it has its declared form. Raises SecretError that names the field, never the value."""
    text = _trimmed(text) or ""
    if not text:
        raise SecretError(f"{field} (from {source}) is empty", "paste it again")
    if "pem" in form and "-----BEGIN" in text:
        if "PRIVATE KEY-----" not in text or "-----END" not in text:
            raise SecretError(
                f"{field} (from {source}) is a PEM block, but not a whole private key", "paste it from BEGIN to END"
            )
        return text.strip() + "\n"
    if form == "base58 or json" and text.lstrip().startswith("["):
        return text.strip()
    why = _not_token(text)
    if why:
        raise SecretError(f"{field} (from {source}) {why}", "paste it again, without quotes or line breaks")
    if form.startswith("base58") and not all(letter.isalnum() and letter not in "0OIl" for letter in text):
        raise SecretError(f"{field} (from {source}) is not base58 text", "paste it again")
    if form == "pem":
        raise SecretError(f"{field} (from {source}) is not a PEM block", "paste it from BEGIN to END")
    return text


def _not_token(text: str) -> str:
    if "\n" in text or "\r" in text:
        return "holds a line break"
    if "\0" in text:
        return "holds a NUL character"
    if not text.isascii():
        return "holds a character outside ASCII, such as a “smart quote”"
    if any(letter.isspace() for letter in text):
        return "holds a space"
    if not text.isprintable():
        return "holds a control character"
    return ""


__all__ = ["Found", "Sec", "before_keyring", "checked", "look_up", "resolve"]
