"""Kraken: the origins of its environments."""

HOSTS = {"live": "https://api.kraken.com"}
"""Spot has never had a testnet, and its documents name no other host. https://docs.kraken.com/exchange/guides/rest"""
