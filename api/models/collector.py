"""Metrics of the models that are served, read at scrape time: no gauge can go stale."""

from collections.abc import Callable, Iterator
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from api.models.loaded_models import LoadedModels


class ModelCollector(Collector):
    """Tells which versions are served, how old they are, and how they scored in training."""

    def __init__(
        self, loaded_models: Callable[[], LoadedModels], now: Callable[[], datetime]
    ) -> None:
        self._loaded_models = loaded_models
        self._now = now

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return the metrics of the models that are loaded now."""
        loaded_models = self._loaded_models()
        info = GaugeMetricFamily(
            "model_info",
            "A version that an alias names; always 1.",
            labels=["model", "version", "alias", "task", "format"],
        )
        age = GaugeMetricFamily(
            "model_age_seconds",
            "Time since a served version was published.",
            labels=["model", "version"],
        )
        score = GaugeMetricFamily(
            "model_train_score",
            "A score that a served version reached when it was trained, by data split.",
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
            "A version that an alias names but that failed a check; always 1.",
            labels=["model", "version"],
        )
        for refusal in loaded_models.refusals:
            refused.add_metric([refusal.model, refusal.version], 1)
        yield from (info, age, score, refused)
