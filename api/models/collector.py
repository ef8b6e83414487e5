"""Metrics of the models that are served, read at scrape time: no gauge can go stale."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from api.models.loaded_models import LoadedModels


class ModelCollector(Collector):
    """Publishes the served versions, their age and their training scores."""

    def __init__(
        self,
        loaded_models: Callable[[], LoadedModels],
        loading_seconds: Callable[[], Mapping[tuple[str, str], float]],
        now: Callable[[], datetime],
    ) -> None:
        self._loaded_models = loaded_models
        self._loading_seconds = loading_seconds
        self._now = now

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return the metrics of the models that are loaded now."""
        loaded_models = self._loaded_models()
        info = GaugeMetricFamily(
            "model_info",
            "A served version and its alias; always 1.",
            labels=["model", "version", "alias", "task", "format"],
        )
        age = GaugeMetricFamily(
            "model_age_seconds",
            "Time since a served version was published.",
            labels=["model", "version"],
        )
        score = GaugeMetricFamily(
            "model_train_score",
            "A score of a served version from its training, by data split.",
            labels=["model", "version", "metric", "split"],
        )
        for model, aliases in loaded_models.aliases.items():
            for alias, version in aliases.items():
                loaded = loaded_models.versions[model][version].loaded
                manifest = loaded.manifest
                form = "onnx" if loaded.form == "compiled" else manifest.estimator
                info.add_metric([model, version, alias, manifest.task, form], 1)
        for served in loaded_models:
            names = [served.manifest.model, served.manifest.version]
            created = datetime.fromisoformat(served.manifest.created)
            age.add_metric(names, (self._now() - created).total_seconds())
            for item in served.manifest.scores:
                score.add_metric([*names, item.metric, item.split], item.value)
        refused = GaugeMetricFamily(
            "model_refused",
            "A version that an alias names and that failed a check; always 1.",
            labels=["model", "version"],
        )
        for refusal in loaded_models.refusals:
            refused.add_metric([refusal.model, refusal.version], 1)
        loading = GaugeMetricFamily(
            "model_loading_seconds",
            "Time since a version began to be loaded that is not served yet.",
            labels=["model", "version"],
        )
        for (model, version), seconds in self._loading_seconds().items():
            loading.add_metric([model, version], seconds)
        yield from (info, age, score, refused, loading)
