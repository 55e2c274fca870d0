"""What a standing guard fires with, by itself: `python -m benchmarks.standing CONFIG SCALE`.

It says so when it is ready; each line on its standard input is a trigger, and each answer a line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path

from cancelall.config import loader, toml_file
from cancelall.core.profile import Overrides
from cancelall.guard.standby import Standby


async def main(config: str, scale: float) -> None:
    """Stand by until the standard input ends."""
    document = toml_file.read(Path(config), os.environ)
    profiles = [loader.profile(document, name, os.environ, Overrides()) for name in document.tables]
    standby = Standby(profiles, dict(os.environ), document, scale=scale)
    troubles = await standby.prepare()
    keeping = asyncio.create_task(standby.keep())
    loop, lines = asyncio.get_running_loop(), asyncio.Queue[bytes]()
    loop.add_reader(sys.stdin.fileno(), lambda: lines.put_nowait(os.read(sys.stdin.fileno(), 4096)))
    hosts = [host for one in standby.figures() for host in one.hosts]
    told = {"troubles": troubles, "connections": sum(one.connections for one in hosts)}
    print(json.dumps(told), flush=True)
    while await lines.get():
        at = time.monotonic()
        reports = await standby.run(started=at).all()
        standby.over()
        print(json.dumps({"at": at, "verdicts": [one.verdict.value for one in reports]}), flush=True)
    keeping.cancel()
    standby.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))
