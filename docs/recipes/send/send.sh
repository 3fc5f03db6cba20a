#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sends to pages with curl: SSE_URL=https://push.example.org/sse/hr SSE_API_KEY=… send.sh
# SSE_CA_FILE, if set, holds the certificates to trust instead of the system's.
set -euo pipefail
: "${SSE_URL:?such as https://push.example.org/sse/hr}" "${SSE_API_KEY:?the key of a back end}"

# In a file of our own: others on this machine can read the arguments of a program.
headers=$(mktemp)
trap 'rm -f "$headers"' EXIT
printf 'authorization: Bearer %s\ncontent-type: application/json\n' "$SSE_API_KEY" >"$headers"

send=(--http2 --silent --show-error --max-time 10 --header "@$headers"
      --write-out ' <- %{http_code}\n' ${SSE_CA_FILE:+--cacert "$SSE_CA_FILE"} "$SSE_URL/send")

# One curl is one connection, whatever it sends: to one user, and an array to many.
curl "${send[@]}" --data '{"event":"hello","data":{"n":1},"userId":"7"}' \
    --next "${send[@]}" --data '[{"event":"hello","data":{"n":2},"userId":["7","8"]},
                                 {"event":"hello","data":{"n":3},"all":true}]'

# A mistake: whom is this for? --fail-with-body makes it an exit code as well.
curl "${send[@]}" --fail-with-body --data '{"event":"hello","data":{"n":4}}' ||
    printf 'not sent; curl ended with %d\n' $?
