"""The page of a report: whole without a network or a script, and true about what is missing."""

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model_store.schema.signature import Column, Kind, Signature
from monitoring.criteria import view_columns
from monitoring.statistics import profile
from tests.mlops.conftest import Mlops
from tests.mlops.report.report_world import (
    SCRIPT,
    SIGNATURE,
    TRAINED,
    Page,
    ReportLog,
    page_of,
    publish,
    rows_like_training,
)

NASTY = '"><img src=x onerror=alert(1)>&amp;'
RUNS = {"script", "iframe", "object", "embed", "link", "img", "base", "form", "foreignobject"}


@pytest.fixture
def page(mlops: Mlops, local_data: Path) -> Page:
    """Return a report of everything: drift, labels, worst rows, and names that are HTML."""
    publish(local_data)
    with ReportLog(local_data) as log:
        rows = [*rows_like_training(300), {"weight": 900.0, "color": NASTY}]
        log.answered("first", rows)
        log.answered("second", rows, hours=5)
        for name in ("first", "second"):
            log.label(name, ["Plum"] * 150)
    return page_of(mlops)


def test_it_needs_nothing_from_elsewhere(page: Page) -> None:
    """No address, no element that loads or runs anything, no attribute that does."""
    assert_harmless(page)
    assert not re.search(r"https?:|@import|url\(", page.text)


def test_its_policy_allows_its_own_style_alone(page: Page) -> None:
    """The policy names the one style sheet by its hash, which is right."""
    [policy] = [a["content"] for _, a in page.elements if "http-equiv" in a]
    style = page.text.split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")


def test_names_and_values_are_text(page: Page) -> None:
    """A category, a value or a request that is HTML is shown as it is written."""
    assert SCRIPT in page.shown
    assert NASTY in page.shown


@pytest.mark.parametrize(
    "name",
    [
        # A column whose name has a quote is served by no version.
        NASTY.replace('"', "'"),
        SCRIPT,
        "{{ 7*7 }}",
        "{% raw %}",
        "javascript:alert(1)",
        "' onload='alert(1)",
        "</style></svg><svg onload=alert(1)>",
        "-->]]>",
    ],
)
def test_columns_and_categories_may_be_called_anything(
    mlops: Mlops, local_data: Path, name: str
) -> None:
    """Names are text, also in attributes and in pictures; none is carried out as a template."""
    other = f"of {name}"
    columns = (Column(name=name, kind=Kind.NUMBER), Column(name=other, kind=Kind.CATEGORY))
    outputs = (Column(name="fruit", kind=Kind.CATEGORY),)
    colors = np.where(TRAINED["color"] == "red", name, "red").astype(object)
    trained = {name: TRAINED["weight"], other: colors, "fruit": TRAINED["fruit"]}
    kinds = {name: "number", other: "category", "fruit": "category"}
    signature = Signature(inputs=columns, outputs=outputs)
    publish(local_data, reference=profile(trained, kinds), signature=signature)
    with ReportLog(local_data) as log:
        log.answered(name, [{name: 900.0, other: name if n % 2 else "red"} for n in range(200)])
    page = page_of(mlops)
    assert_harmless(page)
    texts = {text for _, attributes in page.elements for text in attributes.values()}
    assert {f"Statistics of {name}", f"Shares of the values of {other}"} <= texts
    shares = {row[0] for row in page.table("category", "training", "now")}
    assert {name, "red"} <= shares
    assert any(name in row[0] for row in page.table("request", "why"))


def assert_harmless(page: Page) -> None:
    """Fail if anything on a page could run or load something."""
    assert not {tag for tag, _ in page.elements} & RUNS
    assert [tag for tag, _ in page.elements].count("style") == 1
    for _, attributes in page.elements:
        assert not {"src", "srcset", "style", "data", "action"} & attributes.keys()
        assert not [name for name in attributes if name.startswith("on")]
        assert (attributes.get("href") or "#").startswith("#")


def test_every_picture_has_a_text_and_a_table(page: Page) -> None:
    """Who cannot see it reads the same: in words, and as numbers."""
    pictures = [a for tag, a in page.elements if tag == "svg"]
    texts = [a["aria-label"] for _, a in page.elements if a.get("role") == "img"]
    assert len(texts) == len(pictures) > 4
    assert all(texts)
    tables = [tag for tag, _ in page.elements if tag == "table"]
    assert len(tables) >= len(pictures)


def test_the_worst_rows_are_shown_as_the_log_holds_them(page: Page) -> None:
    """The rarest row by its request, its place and its values."""
    rarest = [row for row in page.table("request", "why") if NASTY in row]
    assert not rarest, "the first such table is of wrong answers"
    odd = page.shown.split("Furthest from the training data", 1)[1]
    assert "second, row 300" in odd
    assert "900" in odd


def test_rows_can_be_left_out(mlops: Mlops, local_data: Path, page: Page) -> None:
    """Such a page can be handed on."""
    assert "second, row 300" in page.shown
    assert "second, row 300" not in page_of(mlops, "--worst-rows", "0").shown


def test_an_empty_log_is_a_page_too(mlops: Mlops, local_data: Path) -> None:
    """It says that nothing was answered."""
    with ReportLog(local_data):
        pass
    page = page_of(mlops)
    assert "Nothing was answered" in page.shown
    assert "svg" not in {tag for tag, _ in page.elements}


def test_hashes_are_no_distribution(mlops: Mlops, local_data: Path) -> None:
    """For a log of hashes no column and no row is shown; labels are scored."""
    publish(local_data)
    with ReportLog(local_data, keep="hashed") as log:
        # As the service does at its start: a label is hashed under the name of its output.
        log.declare("fruit", view_columns(SIGNATURE))
        log.answered("first", rows_like_training(150))
        log.label("first", [("Plum", "Melon")[place % 2] for place in range(149)] + ["Plum"])
    page = page_of(mlops)
    assert "keeps hashes of the values" in page.shown
    assert ["accuracy", "", "0.9933", "0.9", ""] in page.table("score")
    assert page.verdicts() == ["With care"]
    [row] = page.table("request", "why")
    assert row[0] == "first, row 149"
    assert all(cell.startswith("hidden (") for cell in row[4:])
    assert "hmac:" not in page.shown


def test_a_log_without_values_shows_traffic_alone(mlops: Mlops, local_data: Path) -> None:
    """It says why there is no more."""
    publish(local_data)
    with ReportLog(local_data, keep="none") as log:
        log.answered("first", rows_like_training(150))
    page = page_of(mlops)
    assert "the log keeps no values" in page.shown
    assert page.table("model", "version", "requests")[0][3] == "150"
    assert page.verdicts() == ["Unknown"]


def test_without_a_reference_nothing_is_compared(mlops: Mlops, local_data: Path) -> None:
    """No column is judged, or drawn: the ends of an axis would be single rows' values."""
    publish(local_data, reference={})
    with ReportLog(local_data) as log:
        log.answered("first", rows_like_training(150))
    page = page_of(mlops)
    assert "published without a reference profile" in page.shown
    assert "The reference profile has no histogram" in page.shown
    assert not [
        a
        for _, a in page.elements
        if "weight" in (a.get("aria-label") or "") and a.get("role") == "img"
    ]
    assert "not judged" in page.shown
    assert page.verdicts() == ["Unknown"]


def test_a_version_that_left_the_store_has_its_traffic(mlops: Mlops, local_data: Path) -> None:
    """Its traffic is; the rest is a sentence."""
    with ReportLog(local_data) as log:
        log.answered("first", rows_like_training(150))
    page = page_of(mlops)
    assert "the model store cannot read this version" in page.shown
    assert page.verdicts() == ["Unknown"]


@pytest.mark.parametrize("keep", ["before", "after"])
def test_personal_values_are_never_shown(
    mlops: Mlops, local_data: Path, monkeypatch: Any, keep: str
) -> None:
    """That holds if the log hashed them, and if the log is older than the setting."""
    publish(local_data)
    fields = frozenset({"color", "fruit"}) if keep == "after" else frozenset()
    with ReportLog(local_data, personal_fields=fields) as log:
        log.answered("first", [*rows_like_training(150), {"weight": 900.0, "color": "secret"}])
        log.label("first", ["Melon"] * 100)
    monkeypatch.setenv("LOG_PERSONAL_FIELDS", "color, fruit")
    page = page_of(mlops)
    assert "first, row 150" in page.shown
    for value in ("secret", "Plum", "Melon", SCRIPT):
        assert value not in page.shown
