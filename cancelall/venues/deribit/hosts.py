"""Deribit: the origins of its environments."""

HOSTS = {"live": "https://www.deribit.com", "testnet": "https://test.deribit.com"}
"""https://docs.deribit.com/articles/json-rpc-overview: each has accounts and keys of its own."""
