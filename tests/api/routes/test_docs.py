"""The OpenAPI document and its page are true, typed, and need no internet."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from jsonschema import Draft202012Validator

from api.openapi import example_rows
from model_store.file_store import FileModelStore
from model_store.schema.signature import LARGEST_INTEGER, Column, Kind, Signature
from tests.api.conftest import (
    KINDS_ROW,
    KINDS_SIGNATURE,
    ConstantPredictor,
    Serve,
    Service,
    loaded,
    served,
    sum_draft,
)

OUTPUT = (Column(name="zero", kind=Kind.NUMBER),)


def ranged(minimum: Any, maximum: Any, kind: Kind = Kind.NUMBER, **more: Any) -> Column:
    """Return a column with a training range."""
    return Column(name="x", kind=kind, minimum=minimum, maximum=maximum, **more)


SIGNATURES = {
    "iris": Signature(
        inputs=tuple(
            Column(name=name, kind=Kind.NUMBER, minimum=low, maximum=high, unit="cm")
            for name, low, high in [("sepal_length", 4.3, 7.9), ("petal_width", 0.1, 2.5)]
        ),
        outputs=OUTPUT,
    ),
    "every kind": KINDS_SIGNATURE,
    "non-ASCII": Signature(
        inputs=(
            Column(name="Gr\xf6\xdfe \N{MELON}", kind=Kind.NUMBER, minimum=0.0, maximum=1.0),
            Column(name="\u540d\u524d", kind=Kind.CATEGORY, categories=("\u8d64", "\u9752")),
            Column(name="a/b~c:d", kind=Kind.STRING, nullable=True),
        ),
        outputs=(Column(name="R\xe9sultat", kind=Kind.NUMBER),),
    ),
    "datetimes": Signature(
        inputs=(ranged("2020-01-01T00:00:00Z", "2021-01-01T00:00:00.000001Z", Kind.DATETIME),),
        outputs=OUTPUT,
    ),
    "arrays": Signature(
        inputs=(
            ranged(0.0, 255.0, Kind.ARRAY, dtype="uint8", shape=(28, 28)),
            Column(name="v", kind=Kind.ARRAY, dtype="float32", shape=(3,), nullable=True),
            Column(name="f", kind=Kind.ARRAY, dtype="bool", shape=(2, 1)),
        ),
        outputs=OUTPUT,
    ),
    "wide": Signature(inputs=(ranged(-1.7e308, 1.7e308),), outputs=OUTPUT),
    "huge": Signature(inputs=(ranged(1e308, 1.7e308),), outputs=OUTPUT),
    "narrow": Signature(inputs=(ranged(0.123456789, 0.123456790),), outputs=OUTPUT),
    "negative": Signature(inputs=(ranged(-3.0, -2.0, Kind.INTEGER),), outputs=OUTPUT),
    "large integers": Signature(
        inputs=(ranged(float(LARGEST_INTEGER - 1), float(LARGEST_INTEGER), Kind.INTEGER),),
        outputs=OUTPUT,
    ),
}


@pytest.fixture(params=SIGNATURES)
def documented(service: Service, request: pytest.FixtureRequest) -> Service:
    """Return a service that serves a model of one of the signatures."""
    signature = SIGNATURES[request.param]
    service.install(loaded(ConstantPredictor(), signature=signature))
    return service


def document_of(service: Service) -> dict[str, Any]:
    """Return the OpenAPI document."""
    answer = service.client.get("/openapi.json")
    assert answer.status_code == 200
    document: dict[str, Any] = answer.json()
    return document


def body_of(document: dict[str, Any], path: str = "/predict") -> dict[str, Any]:
    """Return what a document says of a path's body."""
    body: dict[str, Any] = document["paths"][path]["post"]["requestBody"]
    content: dict[str, Any] = body["content"]["application/json"]
    return content


def references(node: Any) -> Iterator[str]:
    """Yield every `$ref` of a document."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from references(item)


def test_the_example_of_the_document_is_answered(documented: Service) -> None:
    """It fits the schema of the document and lies inside the training range."""
    body = body_of(document_of(documented))
    Draft202012Validator(body["schema"]).validate(body["example"])
    answer = documented.predict(body["example"])
    assert answer.status_code == 200
    assert documented.samples("predict_out_of_range_rows_total") == {}


def test_an_answer_fits_the_schema_of_the_document(documented: Service) -> None:
    """An array is answered by an array, an object by an object."""
    document = document_of(documented)
    answers = document["paths"]["/predict"]["post"]["responses"]["200"]["content"]
    validator = Draft202012Validator(answers["application/json"]["schema"])
    example = body_of(document)["example"]
    validator.validate(documented.predict(example).json())
    validator.validate(documented.predict(example[0]).json())


def test_the_schema_refuses_what_the_service_refuses(service: Service) -> None:
    """Fields are typed, all are required, and no others are known."""
    service.install(loaded(ConstantPredictor(), signature=KINDS_SIGNATURE))
    schema = body_of(document_of(service))["schema"]
    validator = Draft202012Validator(schema)
    assert validator.is_valid(KINDS_ROW)
    assert validator.is_valid([KINDS_ROW])
    for change in ({"number": "1"}, {"integer": 1.5}, {"flag": 1}, {"text": None}, {"extra": 1}):
        assert not validator.is_valid(KINDS_ROW | change)
        assert service.predict(KINDS_ROW | change).status_code == 422
    assert not validator.is_valid({})
    assert not validator.is_valid([])


def test_the_document_is_well_formed(documented: Service) -> None:
    """Its version, titles, responses and schemas are there, and every reference leads somewhere."""
    document = document_of(documented)
    assert re.fullmatch(r"3\.1\.\d+", document["openapi"])
    assert document["info"]["title"]
    operations = [
        (path, operation)
        for path, methods in document["paths"].items()
        for operation in methods.values()
    ]
    for path, operation in operations:
        assert operation["responses"]
        named = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}
        assert named == set(re.findall(r"{(\w+)}", path))
    ids = [operation["operationId"] for _, operation in operations]
    assert len(ids) == len(set(ids))
    for reference in references(document):
        node = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
    for schema in [*document["components"]["schemas"].values(), body_of(document)["schema"]]:
        Draft202012Validator.check_schema(schema)


def test_a_problem_fits_the_schema_of_the_document(service: Service) -> None:
    """One shape for every error."""
    schema = document_of(service)["components"]["schemas"]["Problem"]
    for answer in (service.predict(b""), service.predict([{}]), service.client.get("/xyzzy")):
        jsonschema.validate(answer.json(), schema)


def test_each_served_version_has_its_own_path(serve: Serve, store: FileModelStore) -> None:
    """The document shows what is served now; a swap changes it."""
    with serve() as service:
        old = set(document_of(service)["paths"])
        version = store.publish(sum_draft(3))
        store.promote("sum", version, "challenger")
        service.state.reloader.refresh()
        new = set(document_of(service)["paths"])
    assert new - old == {f"/models/sum/versions/{version}/predict"}
    assert {"/predict", "/models/sum/predict", "/models", "/metrics", "/health/ready"} < old


def test_probabilities_are_documented_where_there_are_some(serve: Serve) -> None:
    """The document has the names of the classes."""
    with serve(["fruit", "sum"]) as service:
        paths = document_of(service)["paths"]
    (parameter,) = paths["/models/fruit/predict"]["post"]["parameters"]
    assert (parameter["name"], parameter["in"]) == ("probabilities", "query")
    assert "parameters" not in paths["/models/sum/predict"]["post"]
    assert "/predict" not in paths
    answer = paths["/models/fruit/predict"]["post"]["responses"]["200"]["content"]
    row = answer["application/json"]["schema"]["oneOf"][1]
    assert set(row["properties"]["probabilities"]["properties"]) == {"Plum", "Melon"}


def test_without_a_model_there_is_a_document_all_the_same(serve: Serve) -> None:
    """It describes the routes that answer."""
    with serve([]) as service:
        paths = document_of(service)["paths"]
    assert "/predict" not in paths
    assert "/health/live" in paths


def test_units_ranges_and_categories_are_described_in_words(service: Service) -> None:
    """They are no limits: values outside them are answered too."""
    service.install(loaded(ConstantPredictor(), signature=SIGNATURES["iris"]))
    row = body_of(document_of(service))["schema"]["oneOf"][1]
    assert row["properties"]["sepal_length"]["description"] == (
        "In cm. In training from 4.3 to 7.9."
    )


def test_the_page_refers_to_nothing_outside(service: Service) -> None:
    """Every address in it is relative and answered by the service."""
    page = service.client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert not re.findall(r"(?:https?:)?//[\w.-]+\.\w+", page.text)
    addresses = re.findall(r"""(?:src|href)="([^"]+)"|url: '([^']+)'""", page.text)
    assert len(addresses) == 4
    for address in ("".join(found) for found in addresses):
        asset = service.client.get(f"/{address}")
        assert asset.status_code == 200
        assert asset.content


def test_the_page_has_no_other_files(service: Service) -> None:
    """It gives access neither to the package of these files nor to the machine."""
    for name in ("xyzzy", "redoc.standalone.js", "..%2f__init__.py", "..%2f..%2fetc%2fpasswd"):
        assert service.client.get(f"/docs/{name}").status_code == 404


def test_an_example_is_made_from_ranges_only() -> None:
    """The middle of what training saw, in as many digits as a person would write."""
    assert example_rows(SIGNATURES["iris"]) == [{"sepal_length": 6.1, "petal_width": 1.3}]
    (row,) = example_rows(served(loaded(ConstantPredictor())).manifest.signature)
    assert row == {"a": 0.0, "b": 0.0}
