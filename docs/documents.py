"""What is generated from the declarations: the example config, tables and help blocks of the documents, the manual."""

from __future__ import annotations

import importlib

import figures
from cancelall import simulator
from cancelall.cli import options
from cancelall.config.example import example_config
from cancelall.config.guards import GuardKeys
from cancelall.core import declare
from cancelall.core.declare import Declared
from cancelall.core.errors import EXIT_STATUSES
from cancelall.core.profile import Common
from cancelall.core.switch import NoSwitch, load_switch
from cancelall.venues.registry import VENUES, load, schema

WITH_BLOCKS = ("README.md", "docs/venues.md", "docs/demo.md", "docs/guard.md")
"""Documents with generated blocks."""


def options_table(venue_name: str) -> str:
    """The options of a venue as a Markdown table."""
    lines = ["| option | key | meaning |", "| --- | --- | --- |"]
    for item in declare.declared(schema(venue_name).options):
        values = f" One of `{'` `'.join(item.choices)}`." if item.choices else ""
        more = " Repeatable." if item.repeatable else ""
        default = f" Default {item.default}." if item.default not in (None, (), False) else ""
        lines.append(f"| {_flags(item)} | `{item.key}` | {item.opt.help}{values}{more}{default} |")
    return "\n".join(lines)


def kill_table() -> str:
    """The options of every kill as a Markdown table."""
    keys = {item.key for item in declare.declared(Common)}
    lines = ["| option | commands | key | meaning |", "| --- | --- | --- | --- |"]
    for item in declare.declared(options.Kill):
        key = f"`{item.key}`" if item.key in keys else ""
        lines.append(f"| {_flags(item)} | {', '.join(item.opt.commands)} | {key} | {item.on_line} |")
    return "\n".join(lines)


def guard_table() -> str:
    """The keys of a guard as a Markdown table, with the options that say the same on a line."""
    lines = ["| key | option | meaning |", "| --- | --- | --- |"]
    for item in declare.declared(GuardKeys):
        option = _flags(item) if item.opt.commands else ""
        values = f" One of `{'` `'.join(item.choices)}`." if item.choices else ""
        default = item.default if isinstance(item.default, str | int | float) else None
        shown = (
            f" Default {default:g}."
            if isinstance(default, int | float)
            else f" Default `{default}`."
            if default
            else ""
        )
        several = " A list." if item.repeatable else ""
        lines.append(f"| `{item.key}` | {option} | {item.opt.help}{values}{several}{shown} |")
    return "\n".join(lines)


def _flags(item: Declared) -> str:
    metavar = f" {item.opt.metavar}" if item.opt.metavar else ""
    return ("● " if item.opt.selector else "") + ", ".join(f"`{flag}{metavar}`" for flag in reversed(item.flags))


def statuses_table() -> str:
    """The exit statuses as a Markdown table."""
    lines = ["| verdict | means | exit |", "| --- | --- | --- |"]
    for codes, verdict, meaning in EXIT_STATUSES:
        shown = f"`{verdict}`" if verdict else ""
        lines.append(f"| {shown} | {meaning} | {', '.join(map(str, codes))} |")
    return "\n".join(lines)


def secrets_table() -> str:
    """The secrets of every venue as a Markdown table."""
    lines = [
        "| venue | secret | environment variable of the profile named like the venue | what it is |",
        "| --- | --- | --- | --- |",
    ]
    for name in VENUES:
        for field, sec in declare.secrets_of(schema(name).secrets).items():
            optional = " Optional." if sec.optional else ""
            lines.append(f"| {name} | `{field}` | `CANCELALL_{name.upper()}_{field.upper()}` | {sec.help}{optional} |")
    return "\n".join(lines)


def common_table() -> str:
    """The keys that every profile may have, as a Markdown table."""
    lines = ["| key | meaning |", "| --- | --- |"]
    lines += ["| `venue` | " + ", ".join(VENUES) + " |"]
    lines += [f"| `{item.key}` | {item.opt.help} |" for item in declare.declared(Common)]
    lines += [
        "| `secret_command` | A table: for each secret an argument list that prints the secret. No shell, 5 s in all. |"
    ]
    lines += ["| `credentials` | A table: the secrets themselves. |"]
    return "\n".join(lines)


def environments_table() -> str:
    """Environments and hosts, as a Markdown table."""
    lines = ["| venue | environment | host |", "| --- | --- | --- |"]
    lines += [f"| {name} | `{key}` | {host} |" for name in VENUES for key, host in schema(name).hosts.items()]
    return "\n".join(lines)


def kills_table() -> str:
    """What a kill of a whole account takes at each venue, and what it reaches, as a Markdown table."""
    known = figures.read()
    head = (
        *("venue", "segments", "before the first cancel", "requests, no orders", "requests, 100 orders"),
        *("s, 100 orders", "s forced", "not covered", "closes"),
    )
    lines = ["| " + " | ".join(head) + " |", "| --- | --- |" + " ---: |" * 5 + " --- | --- |"]
    for name in VENUES:
        venue, accepts = load(name), schema(name)
        account = next(iter(simulator.create(name, orders=0).accounts.values()))
        options = accepts.options(**account.options)  # with what a profile has to know of its account
        environment = next(iter(accepts.hosts))
        sent, spent = known[name].requests, known[name].seconds
        cells = (
            VENUES[name],
            ", ".join(one.name for one in venue.segments(options, venue.facts, environment)),
            *map(str, (sent.before, sent.empty, sent.stocked)),
            *((f"{spent.measured:.1f}", f"{spent.forced:.1f}") if spent else ("", "")),
            "; ".join(venue.not_covered(options, environment)),
            venue.sunset,
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def switches_table() -> str:
    """The venues' own switches as a Markdown table: for how long they can be armed, and what they do not reach."""
    lines = ["| venue | seconds | what it does not reach, or may not | what to know |", "| --- | --- | --- | --- |"]
    for name, known in VENUES.items():
        switch, options_ = load_switch(name), schema(name).options()
        if isinstance(switch, NoSwitch):
            continue
        if not switch.most:
            lines.append(f"| {known} | – | it can only be looked at | {'; '.join(switch.notes)} |")
            continue
        beyond, notes = switch.beyond(options_, "live"), [*switch.notes, switch.shared]
        confirms = "the answer says until when it is armed" if switch.confirms else "no answer says until when"
        told = "; ".join(filter(None, [*notes, confirms]))
        lines.append(f"| {known} | {switch.least} to {switch.most} | {'; '.join(beyond)} | {told} |")
    return "\n".join(lines)


def doubts_list() -> str:
    """What each venue's documents leave open and how it is read here: the list in its module's docstring."""
    lines = []
    for name in VENUES:
        told = (importlib.import_module(f"cancelall.venues.{name}").__doc__ or "").partition(
            "Handled on the safe side"
        )[2]
        points = told.partition(":\n")[2].partition("\n\n")[0]
        lines += ["", f"**{VENUES[name]}**", "", *points.splitlines()]
    return "\n".join(lines[1:])


def faults_table() -> str:
    """What can be switched on in the embedded exchange, as a Markdown table."""
    lines = ["| fault | on | what happens |", "| --- | --- | --- |"]
    for written, venue, words in simulator.every_fault():
        lines.append(f"| `{written}` | {venue or 'every venue'} | {words} |")
    return "\n".join(lines)


def blocks() -> dict[str, str]:
    """Every generated block of the documents by its name."""
    found = {f"options {name}": options_table(name) for name in VENUES}
    found |= {
        "exit statuses": statuses_table(),
        "options of a kill": kill_table(),
        "options of a guard": guard_table(),
        "kills": kills_table(),
        "doubts": doubts_list(),
        "switches": switches_table(),
        "secrets": secrets_table(),
        "keys": common_table(),
        "environments": environments_table(),
        "faults": faults_table(),
    }
    return found


def with_blocks(text: str) -> str:
    """A Markdown text with its generated blocks, between `<!-- begin NAME -->` and `<!-- end -->`, made new."""
    for name, block in blocks().items():
        begin, end = f"<!-- begin {name} -->\n", "<!-- end -->"
        head, found, rest = text.partition(begin)
        _, ended, tail = rest.partition(end)
        if found and not ended:
            raise ValueError(f"the block {name} has no end")
        if found:
            text = f"{head}{begin}{block}\n{end}{tail}"
    return text


def picture() -> str:
    """A run of the demo as an SVG, drawn from a real sweep of the embedded exchange."""
    import asyncio
    import time

    from rich.console import Console
    from rich.text import Text

    from cancelall.config import loader
    from cancelall.config.toml_file import Document
    from cancelall.core.profile import Overrides
    from cancelall.engine.run import Run
    from cancelall.report import tables

    with simulator.start("bybit", orders=12, seed=3) as server:
        table = {"venue": "bybit", "base_url": server.origin, "credentials": dict(server.credentials)}
        document = Document(path=None, data={"profiles": {"bybit": table}})
        profile = loader.profile(document, "bybit", {}, Overrides())
        (report,) = asyncio.run(Run(profiles=[profile], environ={}, started=time.monotonic()).all())
    console = tables.console(100, terminal=True, environ={"TERM": "xterm-256color"})
    recorder = Console(record=True, width=100, file=console.file, force_terminal=True, color_system="truecolor")
    recorder.print(Text("$ cancelall bybit", style="bold"))
    recorder.print(Text.from_ansi(tables.profile_table(report, console)))
    return recorder.export_svg(title="cancelall bybit, on the embedded exchange")


def main() -> None:
    """Write every generated file below the current directory."""
    from pathlib import Path

    import manual
    from cancelall.cli import app, completion

    Path("config.example.toml").write_text(example_config(), encoding="utf-8")
    Path("docs").mkdir(exist_ok=True)
    for document in filter(Path.exists, map(Path, WITH_BLOCKS)):
        document.write_text(with_blocks(document.read_text(encoding="utf-8")), encoding="utf-8")
    Path("docs/run.svg").write_text(picture(), encoding="utf-8")
    Path("contrib/shell").mkdir(parents=True, exist_ok=True)
    for shell, script in completion.SCRIPTS.items():
        Path(f"contrib/shell/completion.{shell}").write_text(script, encoding="utf-8")
    Path("man").mkdir(exist_ok=True)
    Path("man/cancelall.1").write_text(manual.page(app.command()), encoding="utf-8")


if __name__ == "__main__":
    main()
