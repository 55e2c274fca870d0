"""Who may import whom, read from the code; what a venue must bring; what is not loaded before the first cancel."""

from __future__ import annotations

import ast
import functools
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from cancelall import simulator, started
from cancelall.venues import VENUES, load, schema
from support import ROOT, environment

PACKAGE = ROOT / "cancelall"
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
"""Every module by its name."""


def _nodes(tree: ast.AST, *, everywhere: bool) -> Iterator[ast.AST]:
    """The statements that run when a module is imported, or all; what only a type checker reads is left out."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if not everywhere and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        yield node
        yield from _nodes(node, everywhere=everywhere)


@functools.cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(FILES[module].read_text(encoding="utf-8"))


@functools.cache
def imports(module: str, *, everywhere: bool = True) -> frozenset[str]:
    """The modules that one imports, by their full names."""
    package = module if FILES[module].name == "__init__.py" else module.rpartition(".")[0]
    found: set[str] = set()
    for node in _nodes(tree_of(module), everywhere=everywhere):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")
                base = ".".join([*parts[: len(parts) - node.level + 1], *([base] if base else [])])
            found |= {name if (name := f"{base}.{alias.name}") in FILES else base for alias in node.names}
    return frozenset(found - {"__future__"})


def ours(module: str, *, everywhere: bool = True) -> set[str]:
    """Those of this program, without its own name in front."""
    found = {name for name in imports(module, everywhere=everywhere) if name.partition(".")[0] == "cancelall"}
    return {name.removeprefix("cancelall").removeprefix(".") for name in found}


def roots(module: str, *, everywhere: bool = True) -> set[str]:
    """The top-level packages that one imports."""
    return {name.partition(".")[0] for name in imports(module, everywhere=everywhere)}


def users(package: str) -> set[str]:
    """The modules that import a package of somebody else."""
    return {module for module in FILES if package in roots(module)}


def below(prefix: str) -> set[str]:
    return {module for module in FILES if module == prefix or module.startswith(f"{prefix}.")}


CORE = sorted(set(FILES) - below("cancelall.venues") - below("cancelall.simulator"))

# --- who may import whom --------------------------------------------------------------------------------------------

_SWEEPING = {"errors", "model", "results", "venues.contract", "session", "progress", "listing", "discovery"}
_SWEEPING |= {"attempts", "cancels", "hearing", "proof"}
MAY_IMPORT = {
    "errors": set(),
    "secret": set(),
    "route": set(),
    "dial": set(),
    "clock": set(),
    "background": set(),
    "started": set(),
    "model": {"errors", "strictjson"},
    "strictjson": {"errors"},
    "refusals": {"errors", "model"},
    "watchdog": set(),
    "lastwords": {"attempts", "config", "errors", "model", "report.lines", "report.text", "results", "started"}
    | {"watchdog"},
    "results": {"errors", "model"},
    "declare": {"errors"},
    "payload": {"errors", "model", "secret", "strictjson"},
    "rsa": {"errors", "secret"},
    "venues": {"venues.contract"},
    "files": set(),
    "quoting": set(),
    "cli_values": {"errors", "quoting"},
    "config_toml": {"declare", "errors", "files", "quoting"},
    "config": {"config_toml", "declare", "errors", "quoting", "route", "secret", "venues"},
    "config_show": {"config", "config_toml", "declare", "quoting", "secret", "venues"},
    "keyrings": {"errors", "secret"},
    "secret_text": {"declare", "errors"},
    "secret_command": {"errors", "quoting"},
    "credentials": {"config", "config_toml", "declare", "files", "errors", "keyrings", "secret", "venues"}
    | {"secret_command", "secret_text"},
    "config_edit": {"config_toml", "errors", "files"},
    "cli_auth": {"completion", "errors", "quoting"}
    | {"auth", "config", "config_toml", "credentials", "declare", "keyrings", "output", "report.text", "run"}
    | {"auth.given", "auth.keeping", "auth.prompt", "auth.status", "auth.systemd", "secret", "venues"},
    "auth.given": {"config", "config_toml", "credentials", "declare", "errors", "secret", "venues"},
    "auth.keeping": {"config", "config_edit", "config_toml", "quoting"}
    | {"credentials", "declare", "errors", "keyrings", "secret", "venues"},
    "auth.prompt": set(),
    "auth.status": {"config", "credentials", "declare", "errors", "files", "keyrings", "secret", "state", "venues"},
    "auth.systemd": {"config", "declare", "errors", "files", "secret", "venues"},
    "tls": {"errors"},
    "connection": {"dial", "errors", "tls"},
    "answer": {"errors"},
    "network_faults": {"answer", "dial", "errors"},
    "early": {"config", "connection", "errors", "route", "tls", "venues"},
    "direct": {"answer", "connection", "errors", "model", "network_faults"},
    "proxied": {"answer", "connection", "errors", "network_faults", "route", "tls"},
    "transport": {"", "connection", "direct", "errors", "model", "network_faults", "proxied", "route", "tls"},
    "pacing": {"model", "refusals", "venues.contract"},
    "attempts": {"errors", "model"},
    "session": {"attempts", "clock", "errors", "guard", "model", "pacing", "refusals", "venues.contract"},
    "words": {"attempts", "model"},
    "cancels": {"attempts", "model", "venues.contract", "words"},
    "progress": {"attempts", "cancels", "model", "venues.contract", "words"},
    "listing": _SWEEPING,
    "hearing": _SWEEPING,
    "proof": _SWEEPING,
    "discovery": _SWEEPING,
    "sweep": _SWEEPING,
    "settle": _SWEEPING | {"sweep"},
    "outcome": _SWEEPING | {"sweep"},
    "reasons": _SWEEPING | {"guard", "outcome", "sweep"},
    "reporting": _SWEEPING | {"venues", "config", "credentials", "outcome", "reasons", "secret", "sweep"},
    "hold": _SWEEPING | {"sweep", "outcome"},
    "notify": {"secret"},
    "journal.file": set(),
    "journal.fields": {"journal.file", "secret"},
    "journal": {"journal.fields", "journal.file", "secret"},
    "journal.record": {"", "journal", "journal.fields", "model", "results"},
    "journal.chain": {"journal.file"},
    "asked": {"config_toml", "secret"},
    "output": {"secret"},
    "guard": {"report.text"},
    "logs": {"guard"},
    "report.text": {"model", "results", "secret"},
    "report.lines": {"model", "report.text", "results"},
    "report.tables": {"model", "report.text", "results"},
    "report.live": {"output", "sweep", "report.tables"},
    "report.findings": {"findings", "report.tables", "report.text"},
    "findings": {"errors"},
    "preflight": {"model"},
    "check.local": {
        "config",
        "config_toml",
        "credentials",
        "errors",
        "files",
        "findings",
        "journal.file",
        "keyrings",
        "route",
        "state",
    },
    "check.network": {"dial", "errors", "findings", "network_faults", "route", "tls"},
    "check.clock": {"findings", "preflight"},
    "check.key": {"findings", "preflight"},
    "check.evidence": {"errors", "files", "findings", "report.text", "state"},
}


@pytest.mark.parametrize("name", MAY_IMPORT)
def test_a_module_imports_only_what_it_may(name: str) -> None:
    assert ours(f"cancelall.{name}") <= MAY_IMPORT[name]


def test_nothing_imports_in_a_circle() -> None:
    graph = {module: imports(module, everywhere=False) & set(FILES) - {module} for module in FILES}
    assert len(list(TopologicalSorter(graph).static_order())) == len(FILES)


@pytest.mark.parametrize(
    ("package", "expected"),
    [
        ("typer", {"cancelall.cli", "cancelall.cli_auth"}),
        ("requests", {"cancelall.proxied"}),
        ("urllib3", {"cancelall.proxied"}),
        ("certifi", {"cancelall.tls"}),
        ("keyring", {"cancelall.keyrings"}),
        (
            "rich",
            {"cancelall.report.tables", "cancelall.report.findings", "cancelall.report.history", "cancelall.documents"},
        ),
    ],
)
def test_one_module_knows_a_package(package: str, expected: set[str]) -> None:
    assert users(package) == expected


def test_nothing_but_the_entry_point_and_the_manual_imports_the_command_line() -> None:
    assert {module for module in FILES if "cli" in ours(module)} == {"cancelall.__main__", "cancelall.documents"}


def test_only_the_demo_and_the_picture_import_the_simulator() -> None:
    using = {module for module in CORE if any(name.startswith("simulator") for name in ours(module))}
    assert using == {"cancelall.demo", "cancelall.documents"}


LAZY = {"rich", "keyring", "cryptography", "tomli_w", "certifi"}
LAZY_OURS = {"simulator", "demo", "documents", "transport", "proxied", "keyrings", "check", "notify"}


@pytest.mark.parametrize("module", FILES)
def test_what_costs_is_imported_where_it_is_used(module: str) -> None:
    assert not roots(module, everywhere=False) & LAZY
    inside = {name for name in ("simulator", "check") if module in below(f"cancelall.{name}")}
    inside |= {"keyrings"} if module in below("cancelall.auth") else set()
    assert not {name.partition(".")[0] for name in ours(module, everywhere=False)} & (LAZY_OURS - inside)


@pytest.mark.parametrize("module", CORE)
def test_only_declared_packages_are_used(module: str) -> None:
    names = ("typer", "rich", "requests", "urllib3", "certifi", "keyring", "tomli_w", "cryptography", "cancelall")
    assert roots(module) - set(sys.stdlib_module_names) <= set(names)


HEART = ["sweep", "session", "progress", "outcome", "listing", "discovery", "hearing", "proof"]
HEART += ["settle", "hold", "run"]
CHECKS = ["clock", "command", "evidence", "key", "live", "local", "network", "run", "venue"]


@pytest.mark.parametrize("name", [*HEART, *(f"check/{name}" for name in CHECKS)])
def test_the_heart_names_no_venue(name: str) -> None:
    path = PACKAGE / f"{name}.py"
    text = path.read_text(encoding="utf-8").lower() if path.exists() else ""
    assert [venue for venue in VENUES if venue in text] == []


@pytest.mark.parametrize("module", CORE)
def test_only_signing_code_the_sources_and_the_stores_reveal_a_secret(module: str) -> None:
    reveals = ".reveal(" in FILES[module].read_text(encoding="utf-8")
    stores = {"cancelall.credentials", "cancelall.keyrings", "cancelall.auth.systemd"}
    assert not reveals or module in {*stores, "cancelall.rsa"}


# --- venues ---------------------------------------------------------------------------------------------------------

VENUE_MODULES = sorted(below("cancelall.venues") - {"cancelall.venues", "cancelall.venues.contract"})
IMPURE = {
    *("asyncio", "builtins", "calendar", "ctypes", "datetime", "http", "importlib", "io", "locale", "logging"),
    *("multiprocessing", "os", "pathlib", "platform", "queue", "random", "secrets", "select", "signal", "socket"),
    *("ssl", "subprocess", "sys", "tempfile", "threading", "time", "urllib.request", "uuid", "warnings"),
}
"""Input, output, clocks and chance."""


def venue_of(module: str) -> str:
    return module.split(".")[2]


@pytest.mark.parametrize("module", VENUE_MODULES)
def test_a_venue_is_pure(module: str) -> None:
    own = f"venues.{venue_of(module)}"
    allowed = {"model", "declare", "errors", "payload", "rsa", "secret", "venues", "venues.contract"}
    allowed |= {"preflight"} if module == f"cancelall.{own}.preflight" else set()
    assert {name for name in ours(module) if name != own and not name.startswith(f"{own}.")} <= allowed
    assert not imports(module) & IMPURE
    assert not roots(module) & IMPURE
    assert roots(module) - set(sys.stdlib_module_names) <= {"cancelall", "cryptography"}
    tree = tree_of(module)
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not called & {"open", "print", "input", "eval", "exec", "compile", "__import__", "globals"}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Global | ast.AsyncFunctionDef)]


def test_every_venue_is_in_the_list_and_in_its_place() -> None:
    assert {venue_of(module) for module in VENUE_MODULES} == set(VENUES)
    for name in VENUES:
        assert load(name).judge.__module__.startswith(f"cancelall.venues.{name}.")
        assert schema(name).options.__module__ == f"cancelall.venues.{name}.options"


@pytest.mark.parametrize("module", sorted(set(FILES) - below("cancelall.check")))
def test_a_kill_loads_no_preflight(module: str) -> None:
    using = {name for name in ours(module) if name.partition(".")[0] in ("check", "preflight", "findings")}
    fitting = {"cancelall.cli", "cancelall.report.findings", "cancelall.preflight", "cancelall.findings"}
    assert not using or module in fitting or module.endswith(".preflight")


@pytest.mark.parametrize("name", VENUES)
def test_every_venue_has_tests_vectors_and_a_simulator(name: str) -> None:
    assert list((ROOT / "tests" / "venues").glob(f"test_{name}*.py"))
    assert json.loads((ROOT / "tests" / "vectors" / f"{name}.json").read_text(encoding="utf-8"))
    assert name in simulator.VENUES


@pytest.mark.parametrize("module", sorted(below("cancelall.simulator")))
def test_the_simulator_stands_alone(module: str) -> None:
    assert {name for name in ours(module) if not name.startswith("simulator")} == set()
    assert roots(module) - set(sys.stdlib_module_names) <= {"cancelall", "cryptography"}


# --- the budget of the start ----------------------------------------------------------------------------------------

SPY = """
import json, os, sys
from cancelall import run

real = run.over_the_network

def over_the_network(*words, **more):
    send = real(*words, **more)

    async def noting(*what, **else_):
        if not os.path.exists(os.environ["LOADED"]):
            with open(os.environ["LOADED"], "w") as file:
                json.dump(sorted(sys.modules), file)
        return await send(*what, **else_)

    return noting

run.over_the_network = over_the_network
sys.argv = ["cancelall", "bybit", "--json", "--deadline", "10"]
from cancelall.__main__ import run as start
start()
"""


def _python(code: str, home: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT), **(env or {})}
    return subprocess.run(
        [sys.executable, "-c", code], env=environ, cwd=home, capture_output=True, text=True, timeout=40, check=False
    )


def test_what_is_not_loaded_before_the_first_cancel_leaves(home: Path) -> None:
    loaded = home / "loaded.json"
    with simulator.start("bybit", orders=5) as server:
        done = _python(SPY, home, {**environment("bybit", server), "LOADED": str(loaded)})
        assert (done.returncode, json.loads(done.stdout)["verdict"]) == (0, "clear"), done.stderr
        assert server.requests[0].path in ("/v5/order/cancel-all", "/v5/spread/order/cancel-all")
    modules = set(json.loads(loaded.read_text()))
    assert {"cancelall.transport", "cancelall.direct", "cancelall.venues.bybit.venue"} <= modules
    assert modules & {"http.client", "email.parser"} == set()
    heavy = {
        "requests",
        "urllib3",
        "rich",
        "keyring",
        "cryptography",
        "pydantic",
        "pydantic_core",
        "tomli_w",
        "jeepney",
        "pygments",
    }
    assert modules & heavy == set()
    assert modules & {"typer", "cancelall.cli"} == set()  # a line that is written plainly
    assert {name for name in modules if name.startswith(("cancelall.simulator", "cancelall.demo"))} == set()
    assert modules & {"cancelall.completion", "cancelall.manual"} == set()
    assert modules & {"cancelall.cli_auth", "cancelall.auth", "cancelall.keyrings", "cancelall.config_edit"} == set()
    assert modules & {"cancelall.secret_text", "cancelall.secret_command", "unicodedata"} == set()
    assert {name for name in modules if name.startswith("cancelall.check") or name.endswith("preflight")} == set()
    others = {f"cancelall.venues.{name}" for name in VENUES if name != "bybit"}
    assert modules & others == set()


CONNECTING = """
import json, os, sys
from cancelall import early

def told(origin, ca_bundle, count):
    if not os.path.exists(os.environ["LOADED"]):
        with open(os.environ["LOADED"], "w") as file:
            json.dump(sorted(sys.modules), file)

early._open_more = told
sys.argv = ["cancelall", "bybit", "--json", "--deadline", "10"]
from cancelall.__main__ import run as start
start()
"""


def test_what_is_loaded_before_the_first_connection_is_what_a_profile_can_say(home: Path) -> None:
    loaded = home / "loaded.json"
    with simulator.start("bybit", orders=5) as server:
        done = _python(CONNECTING, home, {**environment("bybit", server), "LOADED": str(loaded)})
        assert (done.returncode, json.loads(done.stdout)["verdict"]) == (0, "clear"), done.stderr
    modules = set(json.loads(loaded.read_text()))
    assert {name for name in modules if name.startswith("cancelall.venues.")} == {
        "cancelall.venues.bybit",
        "cancelall.venues.bybit.options",
    }
    assert modules & {"cancelall.model", "cancelall.execute", "cancelall.session", "cancelall.transport"} == set()
    assert modules & {"asyncio", "ssl", "http.client", "tomllib", "logging", "hmac", "tempfile"} == set()


def test_the_command_line_alone_loads_no_network_and_no_terminal(home: Path) -> None:
    done = _python("import sys, cancelall.cli; print(*sorted(sys.modules))", home)
    modules = set(done.stdout.split())
    assert "typer" in modules
    assert modules & {"requests", "urllib3", "rich", "keyring", "cryptography", "pydantic", "tomli_w"} == set()


def test_typer_stays_below_the_release_that_loads_pydantic() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (typer,) = [line for line in project["dependencies"] if re.match(r"typer\b", line)]
    assert typer == "typer>=0.28,<0.29"


# --- when the process began -----------------------------------------------------------------------------------------


def test_the_deadline_counts_from_the_start_of_the_process(home: Path) -> None:
    code = "import time; time.sleep(0.3); from cancelall.started import *; print(time.monotonic() - process_started())"
    age = float(_python(code, home).stdout)
    assert 0.3 <= age < 20 if sys.platform == "linux" else age >= 0


@pytest.mark.parametrize("content", [b"", b"1 (python) S 1", b"1 (a) b) S " + b"x " * 30])
def test_where_the_system_does_not_tell_the_import_counts(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stat").write_bytes(content)
    monkeypatch.setattr("builtins.open", lambda *words: Path.open(tmp_path / "stat", "rb"))
    assert started.process_started() == started._IMPORTED
