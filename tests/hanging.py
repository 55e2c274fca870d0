"""A `sitecustomize` that lets the event loop of a kill hang, when and how a test wants it, or its resolver.

The loop hangs as soon as a file exists; the watchdog's seconds are short, so that nobody waits for long.
"""

from __future__ import annotations

from pathlib import Path

WAYS = {
    "in a call that never returns": "import time; time.sleep(1000)",
    "in Python code": "while True: pass",
    "in a lock": "import threading; lock = threading.Lock(); lock.acquire(); lock.acquire()",
    "in a lock of the outlets": "from cancelall.core import secret; secret._lock.acquire(); secret._lock.acquire()",
    "swallowing what is raised": """
import time
while True:
    try: time.sleep(1000)
    except BaseException: pass
""",
}
"""What the loop's thread does, without giving anything back."""
HOLDING_THE_INTERPRETER = "import ctypes; ctypes.PyDLL(None).sleep(1000)"

_TEMPLATE = """
import asyncio, os
from cancelall.cli import watchdog
watchdog.GRACE, watchdog.KERNEL, watchdog.STOPPING = {seconds!r}
real = asyncio.run

def hang():
    open({mark!r} + ".hanging", "w").close()
    exec({code!r}, {{}})

def look(loop):
    if os.path.exists({mark!r}):
        hang()
    else:
        loop.call_later(0.01, look, loop)

def run(main):
    async def wrapped():
        look(asyncio.get_running_loop())
        return await main
    return real(wrapped())

asyncio.run = run
"""


def hanging(folder: Path, mark: Path, code: str, seconds: tuple[float, float, float] = (0.6, 5.0, 5.0)) -> str:
    """Write the module into a folder and give back the PYTHONPATH entry. `seconds`: GRACE, KERNEL and STOPPING."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        _TEMPLATE.format(seconds=seconds, mark=str(mark), code=code), encoding="utf-8"
    )
    return str(folder)


_RESOLVER = """
import socket, time
real = socket.getaddrinfo

def getaddrinfo(name, *given, **named):
    if name in ("127.0.0.1", b"127.0.0.1", "localhost", b"localhost"):
        return real(name, *given, **named)
    time.sleep({seconds!r})
    raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

socket.getaddrinfo = getaddrinfo
"""


def resolver(folder: Path, seconds: float) -> str:
    """The same for a resolver that knows this machine alone, and takes so long to say so; the PYTHONPATH entry."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(_RESOLVER.format(seconds=seconds), encoding="utf-8")
    return str(folder)
