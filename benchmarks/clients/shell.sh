#!/bin/sh
# curl and openssl.
set -eu
body='{"category":"linear","settleCoin":"USDT"}'
stamp=$(date +%s%3N)
signature=$(printf '%s' "$stamp${API_KEY}5000$body" | openssl dgst -sha256 -hmac "$API_SECRET" | sed 's/.* //')
curl --silent --fail --cacert "$REQUESTS_CA_BUNDLE" --header 'Content-Type: application/json' \
  --header "X-BAPI-API-KEY: $API_KEY" --header "X-BAPI-TIMESTAMP: $stamp" --header 'X-BAPI-RECV-WINDOW: 5000' \
  --header "X-BAPI-SIGN: $signature" --data "$body" "$ORIGIN/v5/order/cancel-all" | grep --quiet '"retCode":0'
