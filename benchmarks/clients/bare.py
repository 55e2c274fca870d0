"""The least that a Python script can do: sign and post with requests."""

import hashlib
import hmac
import os
import time

import requests

key, secret = os.environ["API_KEY"], os.environ["API_SECRET"]
body = '{"category":"linear","settleCoin":"USDT"}'
stamp = str(int(time.time() * 1000))
signature = hmac.new(secret.encode(), f"{stamp}{key}5000{body}".encode(), hashlib.sha256).hexdigest()
reply = requests.post(
    os.environ["ORIGIN"] + "/v5/order/cancel-all",
    data=body,
    headers={
        "Content-Type": "application/json",
        "X-BAPI-API-KEY": key,
        "X-BAPI-TIMESTAMP": stamp,
        "X-BAPI-RECV-WINDOW": "5000",
        "X-BAPI-SIGN": signature,
    },
    timeout=10,
)
assert reply.json()["retCode"] == 0, reply.text
