"""openapi.yaml is valid, is what the server serves, and its examples are true."""

import base64
import json
import re
from dataclasses import dataclass
from urllib.parse import quote

import pytest
import yaml
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from support import ROOT, SMALL_PROBLEM, assert_problem, call, get, without_timing

FILE = ROOT / "openapi.yaml"
SPEC = yaml.safe_load(FILE.read_text())
METHODS = ["get", "put", "post", "delete", "patch"]
REGISTRY = Registry().with_resource("urn:openapi", DRAFT202012.create_resource(SPEC))
OPERATIONS = [
    (path, method) for path, item in SPEC.get("paths", {}).items() for method in METHODS if method in item
]
# What this service must offer, whatever its description says.
PROMISED = {
    ("/convolve", "post"),
    ("/compare", "post"),
    ("/gradients", "post"),
    ("/prove", "post"),
    ("/recognize", "post"),
    ("/operator", "post"),
    ("/verify", "post"),
    ("/formulations", "get"),
    ("/benchmark", "get"),
    ("/healthz", "get"),
    ("/readyz", "get"),
    ("/metrics", "get"),
    ("/openapi.yaml", "get"),
}


def resolve(node):
    """A node of the description, with a `$ref` to another place in it followed."""
    while "$ref" in node:
        target = SPEC
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


def operation(path, method):
    return SPEC["paths"][path][method]


def examples(media):
    """The named examples of a media type that are JSON."""
    named = {name: resolve(example) for name, example in media.get("examples", {}).items()}
    values = {name: example["value"] for name, example in named.items() if "x-base64" not in example}
    return values | ({"": media["example"]} if "example" in media else {})


@dataclass
class Posted:
    """An example of a request: the bytes of its body, their JSON where they are JSON, and its query."""

    body: bytes
    document: object = None
    query: str = ""


def requests(media):
    """The named examples of a request's media type; bodies that are no text stand there in base64, as `x-base64`."""
    found = {name: Posted(json.dumps(value).encode(), value) for name, value in examples(media).items()}
    for name, example in media.get("examples", {}).items():
        if "x-base64" in (example := resolve(example)):
            body = base64.b64decode(example["x-base64"], validate=True)
            found[name] = Posted(body, query="?" + example["x-query"])
    return found


def responses(path, method):
    for status, response in operation(path, method)["responses"].items():
        yield int(status), resolve(response)


def validate(schema, value):
    """Checks a value against a schema of the description."""
    inside = json.loads(json.dumps(schema).replace('"$ref": "#/', '"$ref": "urn:openapi#/'))
    Draft202012Validator(inside, registry=REGISTRY).validate(value)


def pairs():
    """Every request example with the answer of the same name."""
    found = []
    for path, method in OPERATIONS:
        body = resolve(operation(path, method).get("requestBody", {})).get("content", {})
        for content_type, media in body.items():
            for name, posted in requests(media).items():
                answers = [
                    (status, answer_type, answer_media["schema"], examples(answer_media)[name])
                    for status, response in responses(path, method)
                    for answer_type, answer_media in response.get("content", {}).items()
                    if name in examples(answer_media)
                ]
                found.append(pytest.param(path, method, content_type, posted, answers, id=f"{path} {name}"))
    return found


def url(path, method):
    """The path with the examples of its required query parameters."""
    parameters = [resolve(p) for p in operation(path, method).get("parameters", [])]
    query = "&".join(
        f"{p['name']}={quote(str(p['example']))}" for p in parameters if p["in"] == "query" and "example" in p
    )
    return f"{path}?{query}" if query else path


def test_the_description_is_valid():
    assert SPEC["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(SPEC).validate()


def test_the_description_is_served_byte_for_byte(server):
    answer = get(server, "/openapi.yaml")
    assert answer.status == 200
    assert answer.body == FILE.read_bytes()


def test_everything_promised_is_described():
    assert PROMISED <= set(OPERATIONS)


def test_everything_described_is_served(server):
    for path, method in OPERATIONS:
        answer = call(server, method.upper(), url(path, method), b"{}" if method == "post" else None)
        assert answer.status not in {404, 405, 501}, (path, method)


def test_everything_served_is_described(server):
    """Asks for every path that stands as a literal in the service, and compares the methods it allows."""
    literals = {
        literal
        for file in (ROOT / "Sources/Service").glob("**/*.swift")
        for literal in re.findall(r'"(/[\w./-]*)"', file.read_text())
    }
    for path in sorted(literals | set(SPEC["paths"])):
        answer = call(server, "OPTIONS", path)
        if answer.status == 404:
            assert path not in SPEC["paths"]
            continue
        allowed = {name.strip().lower() for name in answer.headers["Allow"].split(",")} - {"head", "options"}
        assert allowed == {method for described, method in OPERATIONS if described == path}, path


def test_there_are_examples():
    assert len(pairs()) >= 3


@pytest.mark.parametrize("path, method, content_type, posted, answers", pairs())
def test_an_example_is_true(server, path, method, content_type, posted, answers):
    assert len(answers) == 1, "a request example needs exactly one answer example of its name"
    status, answer_type, schema, expected = answers[0]
    answer = call(server, method.upper(), path + posted.query, posted.body, {"Content-Type": content_type})
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"].split(";")[0] == answer_type
    validate(schema, expected)
    validate(schema, answer.json())
    assert without_timing(answer.json()) == without_timing(expected)
    if status == 200 and posted.document is not None:
        validate(operation(path, method)["requestBody"]["content"][content_type]["schema"], posted.document)


@pytest.mark.parametrize("path, method", [pair for pair in OPERATIONS if pair[1] == "get"])
def test_a_get_answers_as_described(server, path, method):
    answer = get(server, url(path, method))
    content = dict(responses(path, method))[answer.status].get("content", {})
    answer_type = answer.headers["Content-Type"].split(";")[0]
    assert answer_type in content
    if answer_type == "application/json":
        media = content[answer_type]
        validate(media["schema"], answer.json())
        for example in examples(media).values():
            validate(media["schema"], example)
            # Times differ from run to run, everything else may not.
            assert without_timing(answer.json()) == without_timing(example)


# How each status comes about; what can't be provoked by one request says why.
REACHED = {
    200: lambda server: call(server, "POST", "/convolve", json.dumps(SMALL_PROBLEM).encode()),
    400: lambda server: call(server, "POST", "/convolve", b"{"),
    404: lambda server: get(server, "/nothing"),
    405: lambda server: get(server, "/convolve"),
    406: lambda server: get(server, "/healthz", Accept="text/html"),
    413: lambda server: call(
        server, "POST", "/convolve", None, {"Content-Type": "application/json", "Content-Length": str(2**40)}
    ),
    414: lambda server: get(server, "/formulations?image=" + "1" * 9000),
    415: lambda server: call(server, "POST", "/convolve", b"", {"Content-Type": "text/plain"}),
    422: lambda server: call(server, "POST", "/convolve", b"{}"),
    431: lambda server: get(server, "/healthz", **{"X-Long": "a" * 30_000}),
}
NOT_BY_ONE_REQUEST = {
    401: "needs a server with a token file: test_access.py",
    408: "needs a client that waits",
    500: "would be a fault of the server",
    503: "needs a server that is draining or overloaded: test_lifecycle.py",
}


def test_every_described_status_comes_about(server):
    described = {status for path, method in OPERATIONS for status, _ in responses(path, method)}
    assert described <= set(REACHED) | set(NOT_BY_ONE_REQUEST)
    for status in described & set(REACHED):
        answer = REACHED[status](server)
        assert answer.status == status
        if status >= 400:
            assert_problem(answer, status)
