"""CONTRIBUTING's page on a further venue, word for word: its files are a venue that fires, lists and proves."""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import cancelall.venues
from cancelall.core.model import Verdict
from cancelall.venues import registry
from support import ROOT, swept

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"`toy/(\w+\.py)`\n\n```python\n(.*?)```\n", PAGE, re.DOTALL))


@dataclass
class Exchange:
    """The toy's exchange: its cancel of all leaves the first order, which goes by name only."""

    orders: list[str] = field(default_factory=lambda: [str(number) for number in range(12)])
    asked: list[str] = field(default_factory=list)

    def answer(self, method: str, path: str, key: str | None) -> tuple[int, object]:
        self.asked.append(f"{method} {path}")
        if key != "toy-key":
            return 401, {}
        if path == "/cancel-all":
            del self.orders[1:]
        elif path.startswith("/cancel/"):
            self.orders.remove(path.rpartition("/")[2])
        return 200, {"orders": [{"id": one} for one in self.orders]}


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Exchange, dict[str, object]]]:
    """The venue as the page has it, listed, and its exchange on a loopback port."""
    (tmp_path / "toy").mkdir()
    for name, text in FILES.items():
        (tmp_path / "toy" / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(cancelall.venues, "__path__", [*cancelall.venues.__path__, str(tmp_path)])
    monkeypatch.setitem(registry.VENUES, "toy", "Toy")
    exchange = Exchange()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, value = exchange.answer(self.command, self.path, self.headers.get("X-API-KEY"))
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # the library's name

        def log_message(self, format: str, *args: object) -> None:  # the library's name
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    origin = f"http://127.0.0.1:{server.server_port}"
    yield exchange, {"venue": "toy", "base_url": origin, "credentials": {"api_key": "toy-key"}}
    server.shutdown()
    server.server_close()
    for name in [name for name in sys.modules if name.startswith("cancelall.venues.toy")]:
        del sys.modules[name]


def test_the_page_has_a_small_venue() -> None:
    assert list(FILES) == ["__init__.py", "options.py", "api.py", "venue.py"]
    written = [line for text in FILES.values() for line in text.splitlines() if line.strip()]
    assert len(written) <= 60


def test_it_fires_lists_cancels_survivors_by_name_and_proves(toy: tuple[Exchange, dict[str, object]]) -> None:
    exchange, table = toy
    (report,) = swept({"toy": table})
    assert (report.verdict, exchange.orders) == (Verdict.CLEAR, [])
    assert exchange.asked[0] == "POST /cancel-all"
    assert "POST /cancel/0" in exchange.asked
    assert exchange.asked[-1] == "GET /orders"


def test_it_lists_without_cancelling(toy: tuple[Exchange, dict[str, object]]) -> None:
    exchange, table = toy
    (report,) = swept({"toy": table}, dry_run=True)
    assert (report.verdict, len(report.orders)) == (Verdict.OPEN, 12)
    assert {one.partition(" ")[0] for one in exchange.asked} == {"GET"}


def test_a_key_that_is_refused_proves_nothing(toy: tuple[Exchange, dict[str, object]]) -> None:
    exchange, table = toy
    (report,) = swept({"toy": {**table, "credentials": {"api_key": "another"}}}, deadline=1.5)
    assert report.verdict is not Verdict.CLEAR
    assert len(exchange.orders) == 12
