# SPDX-License-Identifier: Apache-2.0
"""Every operation of the description, asked with what it allows and with what it does not: no 5xx,
and no answer that the description does not know."""
import os
import pathlib
import re

import httpx
import pytest
import requests
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, settings
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

ORIGIN = os.environ["SSE_ORIGIN"]
KEY = os.environ["SSE_API_KEY"]
ROOT = pathlib.Path(__file__).resolve().parents[2]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

load_all_checks()
description = yaml.safe_load((ROOT / "docs/openapi.yaml").read_text(encoding="utf-8"))
schema = schemathesis.openapi.from_dict(description)
schema.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
client = httpx.Client(http2=True, verify=False, timeout=30)  # a certificate made at this start


def base_url(operation):
    """Paths of the server itself have servers of their own; the rest lies below a service."""
    own = description["paths"][operation.path].get("servers")
    return ORIGIN if own else f"{ORIGIN}/sse/demo"


def is_for_back_ends(operation):
    """Those that say nothing of credentials take what the whole description says."""
    return "security" not in description["paths"][operation.path][operation.method]


def request_of(case):
    """Serialised by the client that the tester knows best, and then sent by one that speaks HTTP/2."""
    parts = case.as_transport_kwargs(base_url=base_url(case.operation))
    prepared = requests.Request(**parts).prepare()
    if is_for_back_ends(case.operation):
        prepared.headers["authorization"] = f"Bearer {KEY}"
    return httpx.Request(prepared.method, prepared.url, headers=prepared.headers, content=prepared.body)


def answer_to(request):
    """The whole answer; of an event stream, which has no end, what comes first."""
    answer = client.send(request, stream=True)
    try:
        is_stream = answer.headers.get("content-type", "").startswith("text/event-stream")
        content = next(answer.iter_raw()) if is_stream else answer.read()
    finally:
        answer.close()
    fields = [field for field in answer.headers.multi_items() if field[0] != "content-encoding"]  # undone
    whole = httpx.Response(answer.status_code, headers=fields, content=content,
                           request=answer.request, extensions=answer.extensions)
    whole.elapsed = answer.elapsed
    return whole


@schema.parametrize()
@settings(max_examples=5, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
          suppress_health_check=list(HealthCheck))
def test_the_answers_are_described(case):
    answer = answer_to(request_of(case))
    assert answer.http_version == "HTTP/2"
    case.validate_response(answer, checks=CHECKS)


def routes():
    """(method, path) of all rows of the route tables, the base path of a service left out."""
    text = "".join((ROOT / "src" / folder / "routes.c").read_text(encoding="utf-8")
                   for folder in ("api", "inspect"))
    for methods, pattern in re.findall(r"^ *\{([A-Z0-9_| ]+?), *\"([^\"]*)\"", text, re.M):
        for method in re.findall(r"H2_([A-Z]+)", methods):
            yield method.lower(), pattern


@pytest.mark.parametrize("method, pattern", sorted(set(routes())))
def test_every_route_is_described(method, pattern):
    # The base path is that of /sse.js; the files of two pages.
    undescribed = {"", "/demo/{path}", "/console/{path}"}
    assert pattern in undescribed or method in description["paths"][pattern]


def test_every_path_has_a_route():
    described = {(method, path) for path, item in description["paths"].items()
                 for method in item if method in {"get", "post", "put", "delete"}}
    assert described <= set(routes())


def test_the_version_is_that_of_the_program():
    program = re.search(r"project\(\S+ VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text(encoding="utf-8"))
    assert description["info"]["version"] == program[1]


def test_it_is_served_as_it_is():
    answer = client.get(f"{ORIGIN}/openapi.yaml")
    assert answer.headers["content-type"] == "application/yaml"
    assert answer.content == (ROOT / "docs/openapi.yaml").read_bytes()
