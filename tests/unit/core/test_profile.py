"""The parts of an origin: as `urllib.parse` tells them, of whatever `loader` makes."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancelall.core.profile import host_of, parts_of

NAMES = st.from_regex(r"[a-z0-9._-]{1,12}", fullmatch=True)
ADDRESSES = st.ip_addresses(v=6).map(lambda address: f"[{address}]")
PORTS = st.just("") | st.integers(1, 65535).map(lambda port: f":{port}")


@pytest.mark.parametrize(
    ("origin", "host", "parts"),
    [
        ("https://api.bybit.com", "api.bybit.com", ("https", "api.bybit.com", 443)),
        ("https://api.example.com:8443", "api.example.com", ("https", "api.example.com", 8443)),
        ("http://127.0.0.1:8080", "127.0.0.1", ("http", "127.0.0.1", 8080)),
        ("http://localhost", "localhost", ("http", "localhost", 80)),
        ("https://[2001:db8::1]", "[2001:db8::1]", ("https", "2001:db8::1", 443)),
        ("https://[2001:db8::1]:8443", "[2001:db8::1]", ("https", "2001:db8::1", 8443)),
    ],
)
def test_an_origin_has_three_parts(origin: str, host: str, parts: tuple[str, str, int]) -> None:
    assert (host_of(origin), parts_of(origin)) == (host, parts)


@given(st.sampled_from(["http", "https"]), NAMES | ADDRESSES, PORTS)
def test_its_parts_are_those_that_the_standard_library_finds(scheme: str, host: str, port: str) -> None:
    origin = f"{scheme}://{host}{port}"
    parts = urlsplit(origin)
    assert parts_of(origin) == (parts.scheme, parts.hostname, parts.port or (443 if scheme == "https" else 80))
    assert host_of(origin) == host
