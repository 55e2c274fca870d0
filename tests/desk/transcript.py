"""Documents that can be run: their `console` blocks, typed into one shell, and what has to be printed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^( *)<!-- run: ([a-z ]+) -->\n *```console\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_MARK = "\x01"


@dataclass(frozen=True, kw_only=True)
class Step:
    """A command and the lines that it prints; `…` stands for whatever is there in that line."""

    command: str
    printed: tuple[str, ...]

    def pattern(self) -> str:
        """What the output has to match."""
        lines = [re.escape(line).replace("…", "[^\n]*") for line in self.printed]
        return "\n".join(lines)


@dataclass(frozen=True, kw_only=True)
class Block:
    """One block of a document. `where` says where it can be run: shell, machine, install."""

    where: frozenset[str]
    steps: tuple[Step, ...]


def blocks(document: Path, where: str) -> list[Block]:
    """The blocks of a document that are to be run there, in order."""
    blocks_there = []
    for indent, words, body in _BLOCK.findall(document.read_text(encoding="utf-8")):
        lines = [line.removeprefix(indent) for line in body.splitlines()]
        block = Block(where=frozenset(words.split()), steps=tuple(_steps(lines)))
        if where in block.where:
            blocks_there.append(block)
    return blocks_there


def _steps(lines: Sequence[str]) -> list[Step]:
    steps: list[tuple[list[str], list[str]]] = []
    for line in lines:
        if line.startswith(("$ ", "# ")):
            steps.append(([line[2:]], []))
        elif line.startswith("> ") or line == ">":
            steps[-1][0].append(line[2:])
        else:
            steps[-1][1].append(line)
    return [Step(command="\n".join(command), printed=tuple(printed)) for command, printed in steps]


def script(steps: Sequence[Step]) -> str:
    """All of them for one shell, each followed by a mark with its exit status."""
    return "exec 2>&1\n" + "".join(f"{step.command}\nprintf '\\001%s\\n' \"$?\"\n" for step in steps)


def compare(steps: Sequence[Step], output: str) -> list[str]:
    """What was not printed as the document says, in words."""
    parts = output.split(_MARK)
    if len(parts) != len(steps) + 1:
        return [f"the shell ended after {len(parts) - 1} of {len(steps)} commands:\n{output[-2000:]}"]
    wrong = []
    printed = [parts[0], *(part.partition("\n")[2] for part in parts[1:])]
    codes = [part.partition("\n")[0] for part in parts[1:]]
    for step, text, code in zip(steps, printed, codes, strict=False):
        shown = "\n".join(line.rstrip() for line in text.strip("\n").splitlines())
        if code != "0":
            wrong.append(f"$ {step.command}\nended with {code}:\n{shown}")
        elif not re.fullmatch(step.pattern(), shown):
            wrong.append(f"$ {step.command}\nprinted:\n{shown}\nand not:\n" + "\n".join(step.printed))
    return wrong
