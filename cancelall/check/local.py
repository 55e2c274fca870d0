"""What is looked at on this machine: the config and its mode, secrets, the environment, the journal's place."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from cancelall.config.toml_file import Document
from cancelall.core.errors import CancelallError, SecretError
from cancelall.core.files import READ, rights_of_others, state_directories
from cancelall.core.preflight import Area, Finding, failure, good, warning
from cancelall.core.profile import Profile, environment_prefix
from cancelall.credentials.chain import KEYRING_SECONDS, ResolvedSecrets
from cancelall.net.route import BUNDLES, NO_PROXY, PROXY_HINT, Route

_PROXIES = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
_IGNORED = ("NETRC", "SSLKEYLOGFILE")
_SLOW = 1.0
"""Seconds after which a keyring is worth a warning."""
_SAMPLE = b"\0" * 4096
"""What is written to see whether the disk takes it."""


def config_finding(document: Document) -> Finding:
    """The config file and its mode: who reads it has its secrets. What others can write or replace was refused."""
    path = document.path
    if path is None:
        nothing = "no config file: everything comes from the environment"
        return good("config", f"{nothing}; {document.notice}" if document.notice else nothing)
    try:
        status = Path(path).stat()
    except OSError as fault:
        return failure("config", f"{path} cannot be looked at: {fault.strerror}", "correct its path", Area.OURS)
    mode = status.st_mode
    if mode & stat.S_IROTH if document.shared else rights_of_others(path, status) & READ:
        detail, fix = f"{path} can be read by others (mode {stat.S_IMODE(mode):o})", f"chmod 600 {path}"
        if not _holds_secrets(document):
            return warning("config", f"{detail}; it holds no secret", fix)
        fix = f"{fix}; make new keys if others did"
        return failure("config", f"{detail}, and it holds secrets", fix, Area.OURS)
    more = ", the machine's, as you have none of your own" if document.shared else ""
    return good("config", f"{path} (mode {stat.S_IMODE(mode):o}){more}")


def _holds_secrets(document: Document) -> bool:
    tables = [table for table in document.tables.values() if isinstance(table, dict)]
    proxies = [str(table.get("proxy", "")) for table in (*tables, document.data.get("defaults", {}))]
    return any(table.get("credentials") for table in tables) or any("@" in proxy for proxy in proxies)


def environment_findings(profile: Profile, document: Document, environ: Mapping[str, str]) -> list[Finding]:
    """Variables that are obeyed, ignored, or misspelt."""
    own = [one for one in profile.warnings if one not in document.warnings]
    findings = [warning("environment", one, "correct or unset it") for one in own]
    prefix = environment_prefix(profile.name)
    strays = {one.partition(" ")[0] for one in profile.warnings}
    names = sorted(name for name in environ if name.startswith(prefix) and name not in strays)
    names += [name for name in (*BUNDLES, "CANCELALL_CONFIG", "CREDENTIALS_DIRECTORY") if environ.get(name)]
    ignored = [name for name in _IGNORED if environ.get(name)]
    detail = f"obeyed: {', '.join(names) or 'nothing'}" + (f"; ignored: {', '.join(ignored)}" if ignored else "")
    if "SSLKEYLOGFILE" in ignored:
        fix = "unset SSLKEYLOGFILE: other programs obey it, and who has the file can read what they send"
        return [*findings, warning("environment", detail, fix)]
    return [*findings, good("environment", detail)]


def proxy_finding(route: Route, profile: Profile, environ: Mapping[str, str]) -> Finding:
    """The proxy in use, and where it comes from."""
    if route.ignored:
        return warning("proxy", route.ignored, PROXY_HINT)
    variable = next((name for name in _PROXIES if environ.get(name)), "")
    if route.proxy is not None:
        source = "from the environment" if route.proxy_from_environment else "from the profile"
        return good("proxy", f"{_shown(route.proxy)} ({source})")
    if (profile.common.proxy or "").lower() == NO_PROXY:
        return good("proxy", "direct, as the profile says")
    return good("proxy", f"direct ({variable} is set, but not for this host)" if variable else "direct")


def _shown(proxy: str) -> str:
    return re.sub(r"//[^/@]*@", "//***@", proxy)


def bundle_finding(route: Route, profile: Profile, environ: Mapping[str, str]) -> Finding:
    """The CA bundle in use, and where it comes from. Whether it can be read is not looked at: that may hang."""
    if route.ca_bundle is None:
        return good("CA bundle", "the one that comes with requests (certifi)")
    variable = next((name for name in BUNDLES if environ.get(name)), "")
    source = "from the profile" if profile.common.ca_bundle else f"from the environment: {variable}"
    return good("CA bundle", f"{route.ca_bundle} ({source})")


def secret_findings(profile: Profile, resolved: ResolvedSecrets, seconds: float) -> list[Finding]:
    """Each secret's source, never its value; and how long a keyring took."""
    findings = [good("secret", f"{field}: from {source}") for field, source in resolved.sources]
    findings += [warning("secret", note, note.rpartition(": ")[2]) for note in resolved.warnings]
    if not any(source == "keyring" for _, source in resolved.sources):
        return findings
    from cancelall.credentials import keyrings

    try:
        names = ", ".join(keyrings.names(profile.common.keyring_backend))
    except SecretError as error:
        return [*findings, failure("keyring", error.message, error.hint, Area.OURS)]
    detail = f"answered in {seconds:.1f} s: {names}"
    if seconds > _SLOW:
        fix = f"a kill waits {KEYRING_SECONDS:g} s at most: use a credentials directory, a file or a command"
        return [*findings, warning("keyring", detail, fix)]
    return [*findings, good("keyring", detail)]


def error_finding(error: CancelallError) -> Finding:
    """A profile or secret that cannot be used."""
    about = "keyring" if "keyring item" in error.message else error.kind
    return failure(about, error.message, error.hint or "correct it and run again", Area.OURS)


def journal_finding(environ: Mapping[str, str]) -> Finding:
    """Whether the journal and the evidence of checks have a place where they can be written."""
    places = state_directories(environ)
    if not places:
        return warning(
            "journal",
            "no place to keep a journal: the environment names no home",
            "set HOME, XDG_STATE_HOME or, in a unit, StateDirectory=",
        )
    faults: list[str] = []
    for place in places:
        fault = _write_fault(place)
        if fault is None and not faults:
            return good("journal", f"{place} can be written")
        if fault is None:
            return warning("journal", f"{'; '.join(faults)}: {place} is used, which a restart empties", _journal_fix())
        faults.append(fault)
    return failure("journal", f"{'; '.join(faults)}: a kill works, but is not journalled", _journal_fix(), Area.OURS)


def _journal_fix() -> str:
    return "correct the owner and mode of the directory, or free the disk"


def _write_fault(place: Path) -> str | None:
    """Why nothing can be written there; None when it can. The directory is made, as a kill would."""
    from cancelall.journal.file import NAME

    file = place / NAME
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=place, prefix=".check.")
    except OSError as fault:
        return f"{place} cannot be written ({fault.strerror})"
    try:
        os.write(descriptor, _SAMPLE)
        os.fsync(descriptor)
    except OSError as fault:
        return f"{place} takes no more ({fault.strerror})"
    finally:
        os.close(descriptor)
        with contextlib.suppress(OSError):
            Path(name).unlink()
    if not file.exists():
        return None
    try:
        os.close(os.open(file, os.O_WRONLY | os.O_APPEND | getattr(os, "O_NONBLOCK", 0)))
    except OSError as fault:
        return f"{file} cannot be written ({fault.strerror})"
    return None
