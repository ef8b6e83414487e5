"""`docs/reference/metrics.md`."""

from collections.abc import Iterator

from docs.make.reference_pages.markdown import table
from docs.make.reference_pages.service import service

INTRODUCTION = """
`GET /metrics` returns these in the Prometheus text format, and beside them those of the process and of
Python (`process_…`, `python_…`). It needs the role `metrics`:

```sh
curl -u metrics:$(cat local_data/secrets/metrics_password) http://127.0.0.1:8000/metrics
```

[prometheus/rules.yml](../../prometheus/rules.yml) says which of them raise an alarm. A label never holds a value
that a caller sent. [Add a metric](../how-to/add-a-metric.md) shows how to add one.
"""


def metrics_parts() -> Iterator[str]:
    """Yield the parts of the page, after its introduction."""
    with service() as (_, state):
        counted = {
            getattr(metric, "_name", ""): getattr(metric, "_labelnames", ())
            for metric in vars(state.metrics).values()
        }
        rows = []
        for family in state.metrics.registry.collect():
            if family.name.startswith(("process_", "python_")):
                continue
            name = f"{family.name}_total" if family.type == "counter" else family.name
            labels = getattr(family, "_labelnames", None) or counted.get(family.name, ())
            shown = ", ".join(f"`{label}`" for label in labels)
            rows.append([f"`{name}`", family.type, shown, family.documentation])
    yield table(["metric", "kind", "labels", "meaning"], sorted(rows))
