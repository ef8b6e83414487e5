"""The dashboards and their provisioning, checked without Grafana: form, place, words."""

from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.prometheus.stack_files import (
    DASHBOARD_PROVIDERS,
    DASHBOARDS,
    DATA_SOURCES,
    SCRAPING,
    data_panels,
    panel_queries,
    read_dashboard,
    read_yaml,
)

COLUMNS = 24


def closed(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the schema of an object that has these keys and no others."""
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
        "additionalProperties": False,
    }


def listed(item: dict[str, Any], least: int = 1) -> dict[str, Any]:
    """Return the schema of a list."""
    return {"type": "array", "items": item, "minItems": least}


TEXT = {"type": "string", "minLength": 1}
ANY: dict[str, Any] = {}
WHOLE = {"type": "integer", "minimum": 0}
# As Grafana's documentation of provisioning names the keys.
DATA_SOURCES_SCHEMA = closed(
    {
        "apiVersion": {"const": 1},
        "datasources": listed(
            closed(
                {
                    "name": TEXT,
                    "uid": {"const": "prometheus"},
                    "type": {"const": "prometheus"},
                    "access": {"const": "proxy"},
                    "url": {"const": "http://prometheus:9090"},
                    "isDefault": {"const": True},
                    "editable": {"type": "boolean"},
                    "jsonData": closed({"httpMethod": {"const": "POST"}, "timeInterval": TEXT}),
                }
            )
        ),
    }
)
PROVIDERS_SCHEMA = closed(
    {
        "apiVersion": {"const": 1},
        "providers": listed(
            closed(
                {
                    "name": TEXT,
                    "type": {"const": "file"},
                    "options": closed({"path": {"const": "/etc/grafana/dashboards"}}),
                },
                {
                    "allowUiUpdates": {"type": "boolean"},
                    "disableDeletion": {"type": "boolean"},
                    "updateIntervalSeconds": WHOLE,
                },
            )
        ),
    }
)
SOURCE = closed({"type": {"const": "prometheus"}, "uid": {"const": "prometheus"}})
PLACE = closed(
    {"x": WHOLE, "y": WHOLE, "w": {"type": "integer", "minimum": 1}, "h": {"minimum": 1}}
)
HEADING_SCHEMA = closed(
    {
        "id": WHOLE,
        "type": {"const": "row"},
        "title": TEXT,
        "collapsed": {"const": False},
        "gridPos": PLACE,
        "panels": {"const": []},
    }
)
PANEL_SCHEMA = closed(
    {
        "id": WHOLE,
        "type": {"enum": ["bargauge", "stat", "table", "timeseries"]},
        "title": TEXT,
        "description": {"type": "string", "minLength": 30, "pattern": r"[.:]$"},
        "datasource": SOURCE,
        "gridPos": PLACE,
        "fieldConfig": closed(
            {
                "defaults": {"type": "object", "required": ["unit"]},
                "overrides": {"type": "array"},
            }
        ),
        "targets": listed(
            closed(
                {"refId": TEXT, "expr": TEXT},
                {"legendFormat": TEXT, "instant": {"const": True}, "format": {"const": "table"}},
            )
        ),
    },
    {"options": {"type": "object"}, "transformations": {"type": "array"}},
)
DASHBOARD_SCHEMA = closed(
    {
        "uid": TEXT,
        "title": TEXT,
        "description": TEXT,
        "tags": listed(TEXT),
        "schemaVersion": WHOLE,
        "panels": listed(
            {
                "if": {"properties": {"type": {"const": "row"}}},
                "then": HEADING_SCHEMA,
                "else": PANEL_SCHEMA,
            }
        ),
        "templating": closed({"list": {"type": "array"}}),
        "time": closed({"from": TEXT, "to": TEXT}),
        "refresh": TEXT,
    },
    dict.fromkeys(("annotations", "editable", "graphTooltip", "links", "timezone", "version"), ANY),
)
UNITS = {"bytes", "none", "ops", "percentunit", "reqps", "s", "short"}
"""Those of Grafana's units that are in use; a misspelt one would be shown as a suffix."""

dashboards = pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)


def test_the_data_source_is_what_grafana_asks_for() -> None:
    """Its interval is that of the scrapes, from which Grafana reckons the span of a rate."""
    content = read_yaml(DATA_SOURCES)
    jsonschema.validate(content, DATA_SOURCES_SCHEMA)
    interval = read_yaml(SCRAPING)["global"]["scrape_interval"]
    assert content["datasources"][0]["jsonData"]["timeInterval"] == interval


def test_the_provider_of_dashboards_is_what_grafana_asks_for() -> None:
    """It reads the folder that they are mounted to."""
    jsonschema.validate(read_yaml(DASHBOARD_PROVIDERS), PROVIDERS_SCHEMA)


def test_there_are_three_dashboards() -> None:
    """Each has an address."""
    assert [path.stem for path in DASHBOARDS] == ["model", "monitoring", "service"]
    assert [read_dashboard(path)["uid"] for path in DASHBOARDS] == [
        "model",
        "monitoring",
        "service",
    ]


@dashboards
def test_a_dashboard_has_its_form(path: Path) -> None:
    """Each panel has a title, a unit, and a description of what it means and what to do."""
    dashboard = read_dashboard(path)
    jsonschema.validate(dashboard, DASHBOARD_SCHEMA)
    for panel in data_panels(dashboard):
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS, panel["title"]
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    for key in ("id", "title"):
        (_, most), *_ = Counter(panel[key] for panel in dashboard["panels"]).most_common(1)
        assert most == 1, f"Two panels have the same {key}."


@dashboards
def test_panels_fill_a_grid_without_overlapping(path: Path) -> None:
    """The grid has 24 columns, and every line is full."""
    places = [panel["gridPos"] for panel in read_dashboard(path)["panels"]]
    assert all(place["x"] + place["w"] <= COLUMNS for place in places)
    assert not any(overlap(one, other) for one, other in combinations(places, 2))
    height = max(place["y"] + place["h"] for place in places)
    assert sum(place["w"] * place["h"] for place in places) == COLUMNS * height


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    """Return whether two places share a cell."""
    return all(
        one[start] < other[start] + other[size] and other[start] < one[start] + one[size]
        for start, size in (("x", "w"), ("y", "h"))
    )


def test_overlaps_are_seen() -> None:
    """Side by side is none."""
    spans = ((0, 12), (12, 12), (11, 2))
    left, right, wide = ({"x": x, "y": 0, "w": w, "h": 2} for x, w in spans)
    assert not overlap(left, right)
    assert overlap(left, wide)
    assert overlap(wide, right)


@dashboards
def test_heights_of_panels_side_by_side_are_equal(path: Path) -> None:
    """Panels of one row are equally high."""
    heights: dict[int, set[int]] = {}
    for panel in read_dashboard(path)["panels"]:
        heights.setdefault(panel["gridPos"]["y"], set()).add(panel["gridPos"]["h"])
    assert all(len(found) == 1 for found in heights.values())


def test_no_query_is_there_twice() -> None:
    """What two panels would show is one panel."""
    found = Counter(query.expression for query in panel_queries())
    assert found.most_common(1)[0][1] == 1


def test_ratios_of_rates_are_guarded_against_no_traffic() -> None:
    """What is divided by is over zero, or the panel is empty: never NaN."""
    for query in panel_queries():
        _, division, divisor = query.expression.partition(" / ")
        if division and "rate(" in divisor:
            assert divisor.startswith("(sum"), query
            assert divisor.endswith("> 0)"), query
