"""A venue that says back what it was sent, whole or in part: it is in neither output nor journal."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cancelall import simulator
from cancelall.core.secret import PART
from cancelall.venues.registry import VENUES
from support import cancelall, profile_table, write_config

HOW: Sequence[Callable[[str], str]] = (
    lambda value: value,
    lambda value: value[:PART],
    lambda value: value[-16:],
    lambda value: value[5:30],
    lambda value: f"{value[:14]}...{value[14:]}",
)
"""Whole, its beginning, its end, its middle, cut in two."""


class Echo:
    """An HTTP server that refuses everything, with what it was sent in every text of its answer."""

    def __init__(self) -> None:
        self.secrets: set[str] = set()
        """Keys and signatures."""
        echo = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *words: object) -> None:
                return

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                named = ("sign", "key", "passphrase")
                found = {value for name, value in self.headers.items() if any(one in name.lower() for one in named)}
                found |= set(re.findall(r'"signature":"([^"]+)"', body))
                found |= set(re.findall(r"sig=(\w+)", self.headers.get("Authorization", "")))
                found |= set(re.findall(r"[?&]signature=([0-9a-f]+)", self.path))
                found = {value for value in found if len(value) >= PART}
                echo.secrets |= found
                said = f"bad request {' '.join(how(value) for value in sorted(found) for how in HOW)} !"
                fields: dict[str, Any] = {
                    "retMsg": said,
                    "msg": said,
                    "message": said,
                    "error": said,
                    "reason": said,
                    "info": said,
                }
                if self.path.startswith("/api/v2/private/"):  # as Deribit has its errors
                    fields["error"] = {"code": 99999, "message": said}
                if self.path.startswith("/0/"):  # as Kraken has its errors
                    fields["error"] = [said]
                answer = json.dumps({"retCode": 99999, "code": 99999, "success": False, **fields, "data": None})
                self.send_response(400)
                self.send_header("X-Request-Id", said)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer.encode())

            do_GET = do_POST = do_DELETE = answer  # the names that http.server looks for

        class Server(ThreadingHTTPServer):
            request_queue_size = 128

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def echo() -> Iterator[Echo]:
    made = Echo()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join(5)


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize("word", ["--json", pytest.param("-v", marks=pytest.mark.faults)])
@pytest.mark.turns(2)
def test_what_a_venue_says_back_is_nowhere(home: Path, echo: Echo, venue: str, word: str) -> None:
    if venue == "hyperliquid":
        pytest.skip("it signs nothing before a listing was read")
    with simulator.start(venue, orders=1) as server:
        table = profile_table(venue, server)
    path = write_config(home / "config.toml", {venue: {**table, "base_url": echo.origin}})
    ran = cancelall(venue, word, "--config", str(path), "--deadline", "1.5", home=home)
    assert ran.code != 0
    assert echo.secrets
    journal = (home / ".local" / "state" / "cancelall" / "journal.jsonl").read_text()
    assert "bad request ***" in journal
    assert "bad request" in ran.out + ran.err
    parts = {value[place : place + PART] for value in echo.secrets for place in range(len(value) - PART + 1)}
    for text in (journal, ran.out, ran.err):
        assert not [place for place in range(len(text) - PART + 1) if text[place : place + PART] in parts]
