# SPDX-License-Identifier: Apache-2.0
"""httpx-sse: reads one stream; coming back with the last id is the caller's, as its manual says."""

import json
import ssl
import sys
import time

import h2.exceptions
import httpx
import httpx_sse

# The last: what its HTTP/2 makes of data behind a GOAWAY, and httpx does not translate.
ERRORS = (httpx.HTTPError, httpx_sse.SSEError, h2.exceptions.ProtocolError)
PAUSE = 0.2  # seconds between two attempts


def report(event: httpx_sse.ServerSentEvent) -> None:
    print(json.dumps({"id": event.id, "event": event.event, "data": event.data}), flush=True)


def follow(client: httpx.Client, address: str, last_id: str) -> str:
    """Reads a stream to its end. Returns the last id that it has seen."""
    headers = {"Last-Event-ID": last_id} if last_id else {}
    try:
        with httpx_sse.connect_sse(client, "GET", address, headers=headers) as source:
            source.response.raise_for_status()
            for event in source.iter_sse():
                last_id = event.id
                report(event)
    except ERRORS as error:
        print(f"httpx-sse: {error!r}", file=sys.stderr)
    return last_id


def main() -> None:
    address, authority = sys.argv[1:]
    timeout = httpx.Timeout(10, read=None)
    trusted = ssl.create_default_context(cafile=authority)
    last_id = ""
    with httpx.Client(http1=False, http2=True, verify=trusted, timeout=timeout) as client:
        while True:
            last_id = follow(client, address, last_id)
            time.sleep(PAUSE)


if __name__ == "__main__":
    main()
