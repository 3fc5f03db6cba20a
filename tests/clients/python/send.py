# SPDX-License-Identifier: Apache-2.0
"""Libraries of Python that POST a message: send.py LIBRARY; SSE_URL, SSE_API_KEY and SSE_CA_FILE say where, as whom,
and whose certificate is to be trusted. Prints the status and the answer."""
import asyncio
import os
import ssl
import sys
import urllib.error
import urllib.request

URL = os.environ['SSE_URL'] + '/send'
HEADERS = {'authorization': 'Bearer ' + os.environ['SSE_API_KEY'], 'content-type': 'application/json'}
CA_FILE = os.environ['SSE_CA_FILE']
MESSAGE = os.environ['SSE_MESSAGE'].encode()


def by_urllib():
    request = urllib.request.Request(URL, MESSAGE, HEADERS)
    context = ssl.create_default_context(cafile=CA_FILE)
    try:
        with urllib.request.urlopen(request, context=context) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def by_urllib3():
    import urllib3
    answer = urllib3.PoolManager(ca_certs=CA_FILE).request('POST', URL, body=MESSAGE, headers=HEADERS)
    return answer.status, answer.data.decode()


def by_requests():
    import requests
    answer = requests.post(URL, data=MESSAGE, headers=HEADERS, verify=CA_FILE)
    return answer.status_code, answer.text


def by_httpx(http2=False):
    import httpx
    with httpx.Client(http2=http2, verify=ssl.create_default_context(cafile=CA_FILE)) as client:
        answer = client.post(URL, content=MESSAGE, headers=HEADERS)
        return answer.status_code, answer.text


async def ask_by_aiohttp():
    import aiohttp
    async with aiohttp.ClientSession() as session:
        context = ssl.create_default_context(cafile=CA_FILE)
        async with session.post(URL, data=MESSAGE, headers=HEADERS, ssl=context) as answer:
            return answer.status, await answer.text()


LIBRARIES = {
    'urllib': by_urllib,
    'urllib3': by_urllib3,
    'requests': by_requests,
    'httpx': by_httpx,
    'httpx[http2]': lambda: by_httpx(http2=True),
    'aiohttp': lambda: asyncio.run(ask_by_aiohttp()),
}

print(*LIBRARIES[sys.argv[1]]())
