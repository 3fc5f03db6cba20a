# SPDX-License-Identifier: Apache-2.0
"""Sends to pages with httpx: SSE_URL=https://push.example.org/sse/hr SSE_API_KEY=… python send.py

SSE_CA_FILE, if set, holds the certificates to trust instead of the system's.
Needs: pip install 'httpx[http2]'
"""
import os
import ssl

import httpx


class Sender:
    """Keeps one connection, and opens another when the server has closed it."""

    def __init__(self, url, key, ca_file=None):
        self._client = httpx.Client(
            base_url=url,
            http1=False,  # the server speaks HTTP/2 only
            http2=True,
            verify=ssl.create_default_context(cafile=ca_file),
            headers={"authorization": f"Bearer {key}"},
            timeout=10,
        )

    def send(self, message):
        """The answer's data: {"id", "count"}, or a list of that for a list."""
        answer = self._client.post("/send", json=message)
        if answer.status_code != 200:
            raise RuntimeError(f"{answer.status_code} {answer.json()['errorMessage']}")
        return answer.json()["data"]

    def close(self):
        self._client.close()


def main():
    sender = Sender(os.environ["SSE_URL"], os.environ["SSE_API_KEY"], os.environ.get("SSE_CA_FILE"))
    try:
        # To one user, and a list to many.
        print(sender.send({"event": "hello", "data": {"n": 1}, "userId": "7"}))
        print(sender.send([
            {"event": "hello", "data": {"n": 2}, "userId": ["7", "8"]},
            {"event": "hello", "data": {"n": 3}, "all": True},
        ]))
        # A mistake: whom is this for?
        try:
            sender.send({"event": "hello", "data": {"n": 4}})
        except RuntimeError as error:
            print(f"not sent: {error}")
    finally:
        sender.close()


if __name__ == "__main__":
    main()
