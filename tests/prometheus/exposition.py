"""What a service exposes to Prometheus."""

from prometheus_client.parser import text_string_to_metric_families

_ENDINGS = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}


def exposed_names(text: str) -> set[str]:
    """Return the names that series may have: of families, too, that have no series yet."""
    return {
        family.name + ending
        for family in text_string_to_metric_families(text)
        for ending in _ENDINGS.get(family.type, [""])
    }
