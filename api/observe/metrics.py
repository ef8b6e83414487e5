"""The metrics that the service counts as it goes. Derived ones are computed at scrape time."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

# From a compiled model's fraction of a millisecond to a deadline of many seconds.
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
COMMIT_SECONDS = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 1, 5)
ROWS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)


class Metrics:
    """The direct metrics, on a registry of the app's own.

    Args:
        direct: Where they are registered instead, if they are one worker's share of what
            `registry` publishes: `workers.shared_metrics` adds the shares up.
    """

    def __init__(self, direct: CollectorRegistry | None = None) -> None:
        self.registry = CollectorRegistry()
        PlatformCollector(registry=self.registry)
        if direct is None:
            direct = self.registry
            ProcessCollector(registry=direct)
            GCCollector(registry=direct)
        request_labels = ["method", "route", "status"]
        self.requests = Counter(
            "http_requests",
            "HTTP requests, counted in the outermost layer.",
            request_labels,
            registry=direct,
        )
        self.request_seconds = Histogram(
            "http_request_duration_seconds",
            "Time from the end of a request's headers to the end of its answer.",
            request_labels,
            buckets=SECONDS,
            registry=direct,
        )
        self.batch_rows = Histogram(
            "predict_batch_rows",
            "Rows per model call.",
            buckets=ROWS,
            registry=direct,
        )
        self.queue_depth = Gauge(
            "predict_queue_depth",
            "Requests that wait in the batcher's queues.",
            registry=direct,
            multiprocess_mode="livesum",
        )
        self.rejected = Counter(
            "predict_rejected",
            "Prediction requests that were refused, by problem type.",
            ["reason"],
            registry=direct,
        )
        self.out_of_range_rows = Counter(
            "predict_out_of_range_rows",
            "Predicted rows with a value outside the training range.",
            ["model", "version"],
            registry=direct,
        )
        self.unsure_rows = Counter(
            "predict_unsure_rows",
            "Predicted rows that got no answer: the model was less sure than its least confidence.",
            ["model", "version"],
            registry=direct,
        )
        self.unlogged = Counter(
            "predict_unlogged",
            "Requests that were answered while the log could not be written.",
            ["model", "version"],
            registry=direct,
        )
        self.log_commit_seconds = Histogram(
            "prediction_log_commit_seconds",
            "Time to write and commit a batch to the prediction log.",
            buckets=COMMIT_SECONDS,
            registry=direct,
        )
        self.log_failures = Counter(
            "prediction_log_failures",
            "Batches that could not be written to the prediction log.",
            registry=direct,
        )
        self.reloads = Counter(
            "model_reloads",
            "Versions that were loaded or refused.",
            ["model", "version", "outcome"],
            registry=direct,
        )
        self.service_info = Gauge(
            "service_info",
            "Version, branch and commit of the running code; always 1.",
            ["version", "git_branch", "git_head"],
            registry=direct,
            multiprocess_mode="max",
        )
