"""Hyperliquid: the origins of its environments."""

HOSTS = {"live": "https://api.hyperliquid.xyz", "testnet": "https://api.hyperliquid-testnet.xyz"}
"""https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api"""
