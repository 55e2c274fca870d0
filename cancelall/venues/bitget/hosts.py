"""Bitget: the origins of its environments."""

HOSTS = {"live": "https://api.bitget.com", "demo": "https://api.bitget.com"}
"""Demo trading has keys of its own, and a header: https://www.bitget.com/api-doc/common/demotrading/restapi"""
