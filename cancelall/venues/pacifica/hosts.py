"""Pacifica: the origins of its environments."""

HOSTS = {"live": "https://api.pacifica.fi", "testnet": "https://test-api.pacifica.fi"}
"""A signature names neither host nor network: the same request is valid on both. https://docs.pacifica.fi/testnet"""
