"""Instruments."""

import pytest

from mailserverd.telemetry.metrics import Histogram, Metrics


def test_an_instrument_is_made_once_and_held() -> None:
    metrics = Metrics()
    held = metrics.deliveries.of("smtp", "delivered")
    held.value += 2
    metrics.deliveries["smtp", "delivered"].value += 1
    assert {labels: counter.value for labels, counter in metrics.deliveries.items()} == {("smtp", "delivered"): 3}


def test_wrong_labels_are_an_error_at_once() -> None:
    with pytest.raises(KeyError, match="has the labels"):
        Metrics().deliveries.of("smtp")


def test_a_histogram_counts_under_its_bounds() -> None:
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 5.0):
        histogram.observe(value)
    assert histogram.cumulative() == [("1.0", 2.0), ("2.0", 3.0), ("+Inf", 4.0)]
    assert histogram.total == 8.0
