"""Who may import whom, read from the code; what a venue must bring; what is not loaded before the first cancel."""

from __future__ import annotations

import ast
import functools
import json
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from cancelall import simulator
from cancelall.cli import watchdog
from cancelall.venues.registry import VENUES, load, schema
from ports import refusing
from support import ROOT, Ran, cancelall, environment, write_config

PACKAGE = ROOT / "cancelall"
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
"""Every module by its name."""


def _nodes(tree: ast.AST, *, everywhere: bool) -> Iterator[ast.AST]:
    """The statements that run when a module is imported; or all, also what only a type checker reads."""
    for node in ast.iter_child_nodes(tree):
        if not everywhere and isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
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
    names: set[str] = set()
    for node in _nodes(tree_of(module), everywhere=everywhere):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")
                base = ".".join([*parts[: len(parts) - node.level + 1], *([base] if base else [])])
            names |= {name if (name := f"{base}.{alias.name}") in FILES else base for alias in node.names}
    return frozenset(names - {"__future__"})


def imported_names(module: str) -> set[str]:
    """Everything that a module has by its own name out of another, with that one's name in front."""
    nodes = [node for node in ast.walk(tree_of(module)) if isinstance(node, ast.ImportFrom) and not node.level]
    return {f"{node.module}.{alias.name}" for node in nodes for alias in node.names}


def ours(module: str, *, everywhere: bool = True) -> set[str]:
    """Those of this program, without its own name in front."""
    names = {name for name in imports(module, everywhere=everywhere) if name.partition(".")[0] == "cancelall"}
    return {name.removeprefix("cancelall").removeprefix(".") for name in names}


def roots(module: str, *, everywhere: bool = True) -> set[str]:
    """The top-level packages that one imports."""
    return {name.partition(".")[0] for name in imports(module, everywhere=everywhere)}


def users(package: str) -> set[str]:
    """The modules that import a package of somebody else."""
    return {module for module in FILES if package in roots(module)}


def below(prefix: str) -> set[str]:
    return {module for module in FILES if module == prefix or module.startswith(f"{prefix}.")}


CORE = sorted(set(FILES) - below("cancelall.venues") - below("cancelall.simulator"))

# --- names ----------------------------------------------------------------------------------------------------------

PRODUCT = sorted(set(FILES) - below("cancelall.simulator"))


def test_a_class_has_a_name_of_its_own() -> None:
    """In the product. The simulator speaks of the other side, in the venues' words: each has its `State`."""
    names = [n.name for one in PRODUCT for n in ast.walk(tree_of(one)) if isinstance(n, ast.ClassDef)]
    assert {name for name in names if names.count(name) > 1} == set()


def test_a_dataclass_has_a_docstring() -> None:
    """Without one, `dataclasses` imports `inspect` and makes one: milliseconds of a start."""
    classes = [n for one in PRODUCT for n in ast.walk(tree_of(one)) if isinstance(n, ast.ClassDef)]
    bare = [one.name for one in classes if ast.get_docstring(one) is None]
    made = {n.name: any("dataclass" in ast.unparse(d) for d in n.decorator_list) for n in classes}
    assert [name for name in bare if made[name]] == []


def test_a_dataclass_has_the_methods_that_are_there() -> None:
    """The standard library compiles six for each, in half a millisecond: with eighty classes a third of a start."""
    assert {one for one in PRODUCT if "dataclasses.dataclass" in imported_names(one)} == {"cancelall.core.dataclass"}
    classes = [n for one in PRODUCT for n in ast.walk(tree_of(one)) if isinstance(n, ast.ClassDef)]
    assert [n.name for n in classes for d in n.decorator_list if "dataclasses." in ast.unparse(d)] == []


def test_a_declaration_has_annotations_that_are_evaluated() -> None:
    """As texts they would be compiled in each kill, which reads them all before its first connection."""
    schemas = {f"cancelall.venues.{name}.options" for name in VENUES}
    declaring = {"cancelall.cli.options", "cancelall.core.profile", *schemas}
    assert {one for one in declaring if "__future__.annotations" in imported_names(one)} == set()


AVOIDED = {
    *("asked", "heard", "hearing", "plain", "beside", "means", "early", "spares", "twins", "feeds", "overtaken"),
    *("settle", "settled"),
}
"""Words that had several meanings, or none of the field's. `settle_coin` is a venue's own."""


def public_names(tree: ast.AST) -> Iterator[str]:
    """Of classes, functions, their parameters, attributes and constants."""
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.ClassDef(name=name):
                yield name
                yield from public_names(node)
            case ast.FunctionDef(name=name, args=args) | ast.AsyncFunctionDef(name=name, args=args):
                yield name
                if not name.startswith("_") or name == "__init__":
                    yield from (one.arg for one in ast.walk(args) if isinstance(one, ast.arg))
            case ast.Assign(targets=targets):
                yield from (one.id for one in targets if isinstance(one, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name


@pytest.mark.parametrize("module", PRODUCT)
def test_a_public_name_is_a_word_with_one_meaning(module: str) -> None:
    names = {name for name in public_names(tree_of(module)) if not name.startswith("_")}
    assert {name for name in names if AVOIDED & {*name.lower().replace("settle_coin", "").split("_")}} == set()
    assert names & {"told", "found"} == set()


# --- who may import whom --------------------------------------------------------------------------------------------

EVERYTHING = {"core", "venues", "net", "journal", "report", "config", "credentials", "engine", "check", "guard", "cli"}
MAY_IMPORT = {
    "core": set(),
    "venues": {"core"},
    "net": {"core"},
    "journal": {"core"},
    "report": {"core"},
    "config": {"venues", "net", "core"},
    "credentials": {"venues", "core"},
    "engine": {"config", "credentials", "venues", "net", "journal", "core"},
    "check": {"engine", "report", "config", "credentials", "venues", "net", "journal", "core"},
    "guard": {"engine", "report", "config", "credentials", "venues", "net", "journal", "core"},
    "cli": {*EVERYTHING, "simulator"},
    "simulator": set(),
    "__main__": {"cli"},
}
"""The rooms, each with those below it. What only a type checker reads counts, too; the package is its version."""


def room_of(module: str) -> str:
    """The package of this program that a module belongs to; nothing for what says the version."""
    return module.partition(".")[0]


def trespasses(module: str, names: Iterable[str]) -> set[str]:
    """The imports of a module that its room may not have."""
    room = room_of(module.removeprefix("cancelall").removeprefix("."))
    return {name for name in names if room_of(name) not in {room, "", *MAY_IMPORT.get(room, ())}}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_what_is_below_it(room: str) -> None:
    modules = below(f"cancelall.{room}")
    assert modules
    assert {name for name in modules if trespasses(name, ours(name))} == set()


def test_every_module_is_in_a_room() -> None:
    assert {room_of(name.removeprefix("cancelall").removeprefix(".")) for name in FILES} == {"", *MAY_IMPORT}


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("cancelall.core.model", "venues.contract"),
        ("cancelall.venues.bybit.venue", "net.route"),
        ("cancelall.net.route", "config.loader"),
        ("cancelall.engine.sweep", "report.tables"),
        ("cancelall.report.lines", "engine.sweep"),
        ("cancelall.check.run", "cli.app"),
        ("cancelall.simulator.book", "core.model"),
        ("cancelall.engine.run", "simulator"),
    ],
)
def test_a_forbidden_import_is_found(module: str, forbidden: str) -> None:
    assert trespasses(module, {*ours(module), forbidden}) == {forbidden}


def test_the_rooms_are_few_and_their_floors_too() -> None:
    """At most 14 rooms, 7 floors and 60 arrows between rooms, with the simulator and what is imported for types."""
    arrows = {
        (room_of(name.removeprefix("cancelall.")), room_of(other))
        for name in FILES
        for other in ours(name)
        if room_of(other) not in ("", room_of(name.removeprefix("cancelall.")))
    }
    graph = {room: {to for one, to in arrows if one == room} for room in MAY_IMPORT}
    sorter, floors = TopologicalSorter(graph), 0
    sorter.prepare()
    while sorter.is_active():
        sorter.done(*sorter.get_ready())
        floors += 1
    assert (len(graph) <= 14, floors <= 7, len(arrows) <= 60) == (True, True, True), (len(graph), floors, len(arrows))


def test_nothing_imports_in_a_circle() -> None:
    """With what is imported late and for types, but for the cli, where one command shows the help of another."""
    graph = {module: imports(module, everywhere=module not in below("cancelall.cli")) for module in FILES}
    known = {module: names & set(FILES) - {module} for module, names in graph.items()}
    assert len(list(TopologicalSorter(known).static_order())) == len(FILES)


@pytest.mark.parametrize(
    ("package", "expected"),
    [
        ("requests", {"cancelall.net.proxied"}),
        ("urllib3", {"cancelall.net.proxied"}),
        ("certifi", {"cancelall.net.route"}),
        ("keyring", {"cancelall.credentials.keyrings"}),
        ("secretstorage", {"cancelall.credentials.secret_service"}),
        ("rich", {f"cancelall.report.{name}" for name in ("tables", "findings", "guards", "history", "positions")}),
    ],
)
def test_one_module_knows_a_package(package: str, expected: set[str]) -> None:
    assert users(package) == expected


def test_only_the_command_line_knows_typer() -> None:
    """Of it, what puts it together and the modules of commands: no kill loads one."""
    commands = {
        f"cancelall.cli.{name}"
        for name in ("auth.command", "auth.setup", "beat_command", "check", "config", "demo", "guard", "journal")
    }
    assert users("typer") == {"cancelall.cli.app", "cancelall.cli.parameters", *commands}


def test_only_the_demo_imports_the_simulator() -> None:
    using = {module for module in CORE if any(room_of(name) == "simulator" for name in ours(module))}
    assert using == {"cancelall.cli.demo"}


LAZY = {"rich", "keyring", "cryptography", "tomli_w", "certifi"}
LAZY_OURS = {
    *("simulator", "cli.demo", "net.transport", "net.proxied", "credentials.keyrings", "credentials.secret_service"),
    *("check", "guard", "report.notify", "net.warm", "engine.primed", "core.switch"),
    *("core.positions", "venues.positions", "engine.positions", "report.positions", "cli.positions"),
}
"""What a kill can do without, or does not need before its first connections."""


@pytest.mark.parametrize("module", FILES)
def test_what_costs_is_imported_where_it_is_used(module: str) -> None:
    assert not roots(module, everywhere=False) & LAZY
    inside = {name for name in LAZY_OURS if module in below(f"cancelall.{name}")}
    inside |= {"credentials.keyrings"} if module in below("cancelall.cli.auth") else set()
    inside |= {"check"} if module == "cancelall.cli.check" else set()
    inside |= {"net.transport"} if module == "cancelall.net.warm" else set()
    inside |= {"net.warm", "engine.primed"} if module in below("cancelall.guard") else set()
    inside |= {"guard"} if module in ("cancelall.cli.guard", "cancelall.cli.guard_teller") else set()
    inside |= {name for name in LAZY_OURS if name.endswith("positions")} if module.endswith("positions") else set()
    inside |= {"core.switch"} if module.endswith(".switch") or module in below("cancelall.guard") else set()
    late = {
        name
        for name in LAZY_OURS - inside
        for one in ours(module, everywhere=False)
        if f"{one}.".startswith(f"{name}.")
    }
    assert late == set()


@pytest.mark.parametrize("module", CORE)
def test_only_declared_packages_are_used(module: str) -> None:
    names = ("typer", "rich", "requests", "urllib3", "certifi", "keyring", "secretstorage", "tomli_w", "cryptography")
    assert roots(module) - {"cancelall"} - set(sys.stdlib_module_names) <= set(names)


@pytest.mark.parametrize("module", sorted(below("cancelall.engine") | below("cancelall.check")))
def test_the_heart_names_no_venue(module: str) -> None:
    text = FILES[module].read_text(encoding="utf-8").lower()
    assert [venue for venue in VENUES if venue in text] == []


@pytest.mark.parametrize("module", CORE)
def test_only_signing_code_the_sources_and_the_stores_reveal_a_secret(module: str) -> None:
    reveals = ".reveal(" in FILES[module].read_text(encoding="utf-8")
    stores = {"cancelall.credentials.chain", "cancelall.credentials.keyrings"}
    stores |= {"cancelall.cli.auth.systemd", "cancelall.cli.auth.elsewhere"}
    assert not reveals or module in {*stores, "cancelall.venues.signing"}


# --- venues ---------------------------------------------------------------------------------------------------------

SHARED = {
    "cancelall.venues",
    *(f"cancelall.venues.{name}" for name in ("contract", "payload", "positions", "registry", "signing")),
    *(f"cancelall.venues.{name}" for name in ("ethereum", "msgpack")),
}
VENUE_MODULES = sorted(below("cancelall.venues") - SHARED)
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
    allowed = {"core.model", "core.declare", "core.errors", "core.secret", "core.dataclass"}
    allowed |= {name.removeprefix("cancelall.") for name in SHARED}
    allowed |= {f"core.{name}" for name in ("preflight", "positions", "switch") if module == f"cancelall.{own}.{name}"}
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


@pytest.mark.parametrize("module", sorted(set(FILES) - below("cancelall.check") - below("cancelall.guard")))
def test_a_kill_loads_no_preflight(module: str) -> None:
    using = {one for one in ours(module) if room_of(one) == "check" or one == "core.preflight"}
    fitting = {"cancelall.cli.check", "cancelall.report.findings"}
    assert not using or module in fitting or module.endswith(".preflight")


@pytest.mark.parametrize("name", VENUES)
def test_every_venue_has_tests_vectors_and_a_simulator(name: str) -> None:
    for folder in ("unit/venues", "kills", "simulator"):
        assert list((ROOT / "tests" / folder).glob(f"test_*{name}*.py"))
    assert json.loads((ROOT / "tests" / "vectors" / f"{name}.json").read_text(encoding="utf-8"))
    assert name in simulator.VENUES


@pytest.mark.parametrize("module", sorted(below("cancelall.simulator")))
def test_the_simulator_stands_alone(module: str) -> None:
    assert {name for name in ours(module) if not name.startswith("simulator")} == set()
    assert roots(module) - set(sys.stdlib_module_names) <= {"cancelall", "cryptography"}


# --- the budget of the start ----------------------------------------------------------------------------------------

SPY = """
import json, os, sys
from cancelall.engine import run

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


def _python(code: str, home: Path, env: dict[str, str] | None = None) -> Ran:
    return cancelall(home=home, env=env, start=("-c", code))


@pytest.mark.alone("on a busy machine the exchange reads its connections in another order")
def test_what_is_not_loaded_before_the_first_cancel_leaves(home: Path) -> None:
    loaded = home / "loaded.json"
    with simulator.start("bybit", orders=5) as server:
        done = _python(SPY, home, {**environment("bybit", server), "LOADED": str(loaded)})
        assert (done.code, done.line["verdict"]) == (0, "clear"), done.err
        assert server.requests[0].path in ("/v5/order/cancel-all", "/v5/spread/order/cancel-all")
    modules = set(json.loads(loaded.read_text()))
    assert {"cancelall.net.transport", "cancelall.venues.bybit.venue"} <= modules
    assert modules & {"http.client", "email.parser"} == set()
    heavy = {"requests", "urllib3", "rich", "keyring", "cryptography", "pydantic", "pydantic_core", "tomli_w"}
    heavy |= {"jeepney", "pygments"}
    assert modules & heavy == set()
    assert modules & {"typer", "cancelall.cli.app"} == set()  # it takes the fast path
    assert {name for name in modules if name.startswith(("cancelall.simulator", "cancelall.cli.demo"))} == set()
    assert "cancelall.cli.completion" not in modules
    assert modules & {"cancelall.cli.auth", "cancelall.credentials.keyrings", "cancelall.config.edit"} == set()
    rare = {"cancelall.credentials.secret_text", "cancelall.credentials.secret_command", "unicodedata", "decimal"}
    assert modules & rare == set()
    assert {name for name in modules if name.startswith("cancelall.check") or name.endswith("preflight")} == set()
    assert {name for name in modules if name.endswith("positions")} == set()  # they are for after the verdict
    assert {name for name in modules if name.endswith(".switch")} == set()
    others = {f"cancelall.venues.{name}" for name in VENUES if name != "bybit"}
    assert modules & {*others, "cancelall.venues.ethereum", "cancelall.venues.msgpack"} == set()


CONNECTING = """
import json, os, sys
from cancelall.net import head_start

def note(origin, ca_bundle, count, connect):
    if not os.path.exists(os.environ["LOADED"]):
        with open(os.environ["LOADED"], "w") as file:
            json.dump(sorted(sys.modules), file)

head_start._open_more = note
sys.argv = ["cancelall", "bybit", "--json", "--deadline", "1"]
from cancelall.__main__ import run as start
start()
"""


def test_what_is_loaded_before_the_first_connection_is_what_a_profile_can_say(home: Path) -> None:
    loaded = home / "loaded.json"
    keys = {"CANCELALL_BYBIT_API_KEY": "a" * 18, "CANCELALL_BYBIT_API_SECRET": "b" * 36}
    with refusing() as port:
        where = {"CANCELALL_BYBIT_BASE_URL": f"https://127.0.0.1:{port}", "LOADED": str(loaded)}
        done = _python(CONNECTING, home, {**keys, **where})
    assert (done.code, done.line["verdict"]) == (12, "unreachable"), done.err
    modules = set(json.loads(loaded.read_text()))
    assert {name for name in modules if name.startswith("cancelall.venues.")} == {
        "cancelall.venues.bybit",
        "cancelall.venues.bybit.hosts",
        "cancelall.venues.bybit.options",
        "cancelall.venues.registry",
    }
    late = {"cancelall.core.model", "cancelall.cli.execute", "cancelall.engine.client", "cancelall.net.transport"}
    assert modules & late == set()
    unneeded = {"asyncio", "ssl", "http.client", "tomllib", "logging", "hmac", "tempfile"}
    unneeded |= {"pathlib", "urllib.parse", "ipaddress", "fnmatch", "queue"}
    assert modules & unneeded == set()
    assert "inspect" not in modules or sys.version_info >= (3, 12), "dataclasses need it from 3.12 on"


PACKET = """
import json, os, sys

def note(event, words):
    if event == "socket.connect" and not os.path.exists(os.environ["LOADED"]):
        loaded = sorted(sys.modules)
        with open(os.environ["LOADED"], "w") as file:
            json.dump(loaded, file)

sys.addaudithook(note)
sys.argv = ["cancelall", "bybit", "--json", "--deadline", "1"]
from cancelall.__main__ import run as start
start()
"""


@pytest.mark.parametrize("configured", [False, True])
def test_what_is_loaded_before_the_first_packet(configured: bool, home: Path) -> None:
    """Where its host is plain from the line and the environment, next to nothing; else what reads a profile."""
    loaded = home / "loaded.json"
    keys = {"CANCELALL_BYBIT_API_KEY": "a" * 18, "CANCELALL_BYBIT_API_SECRET": "b" * 36}
    with refusing() as port:
        where = {"CANCELALL_BYBIT_BASE_URL": f"https://127.0.0.1:{port}", "LOADED": str(loaded)}
        if configured:
            path = home / ".config" / "cancelall" / "config.toml"
            path.parent.mkdir(parents=True)
            write_config(path, {"bybit": {"venue": "bybit"}})
        done = _python(PACKET, home, {**keys, **where})
    assert (done.code, done.line["verdict"]) == (12, "unreachable"), done.err
    modules = set(json.loads(loaded.read_text()))
    assert modules & {"socket", "threading", "asyncio", "ssl", "cancelall.net.connection"} == set()
    reading = {"typing", "dataclasses", "cancelall.config.loader", "cancelall.venues.bybit.options"}
    assert modules & reading == (reading if configured else set())
    assert configured or "warnings" not in modules


def test_the_command_line_alone_loads_no_network_and_no_terminal(home: Path) -> None:
    done = _python("import sys, cancelall.cli.app; print(*sorted(sys.modules))", home)
    modules = set(done.out.split())
    assert "typer" in modules
    assert modules & {"requests", "urllib3", "rich", "keyring", "cryptography", "pydantic", "tomli_w"} == set()


def test_typer_stays_below_the_release_that_loads_pydantic() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (typer,) = [line for line in project["dependencies"] if re.match(r"typer\b", line)]
    assert typer == "typer>=0.28,<0.29"


# --- when the process began -----------------------------------------------------------------------------------------


def test_the_deadline_counts_from_the_start_of_the_process(home: Path) -> None:
    code = "import time; time.sleep(0.3); from cancelall.cli.watchdog import *; "
    code += "print(time.monotonic() - process_started())"
    age = float(_python(code, home).out)
    assert 0.3 <= age < 20 if sys.platform == "linux" else age >= 0


@pytest.mark.parametrize("content", [b"", b"1 (python) S 1", b"1 (a) b) S " + b"x " * 30])
def test_where_the_system_does_not_tell_the_import_counts(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stat").write_bytes(content)
    monkeypatch.setattr("builtins.open", lambda *words: Path.open(tmp_path / "stat", "rb"))
    assert watchdog._process_start() == watchdog._IMPORTED
