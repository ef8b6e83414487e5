"""The latency of the next batch is estimated from those before it."""

from api.batching.latency_estimate import MANY_ROWS, LatencyEstimate


def test_nothing_is_known_before_the_first_batch() -> None:
    """So the first batch of a model, which may take long, does not run on the event loop."""
    assert LatencyEstimate().rows_within(60.0) == 0


def test_a_small_batch_gives_an_estimate_for_small_batches_only() -> None:
    """The time for one row does not give the time for many."""
    latency = LatencyEstimate()
    latency.note(1, 0.001)
    assert latency.rows_within(0.005) == MANY_ROWS - 1
    assert latency.rows_within(0.0005) == 0


def test_a_large_batch_gives_an_estimate_for_each_row() -> None:
    """A millisecond a row leaves room for a hundred rows in a tenth of a second."""
    latency = LatencyEstimate()
    latency.note(1_000, 1.0)
    assert latency.rows_within(0.1) == 100


def test_one_slow_batch_changes_little_and_many_change_it() -> None:
    """A full pipe happens once; a slow disk goes on."""
    latency = LatencyEstimate()
    latency.note(1, 0.001)
    latency.note(1, 0.02)
    assert latency.rows_within(0.005) > 0
    for _ in range(10):
        latency.note(1, 0.02)
    assert latency.rows_within(0.005) == 0
