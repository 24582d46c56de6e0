"""/metrics in the text form of Prometheus.

Standing rules: reading changes nothing; a scrape costs time in proportion to the instruments, not to traffic.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from mailserverd.telemetry.metrics import Metrics

_PREFIX = "mailserverd_"


class MetricsCollector(Collector):
    """Shows our instruments to prometheus_client when it asks."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        for counters in self._metrics.counters():
            counted = CounterMetricFamily(_PREFIX + counters.name, counters.doc, labels=counters.labels)
            for labels, counter in list(counters.items()):
                counted.add_metric(labels, counter.value)
            yield counted
        for gauges in self._metrics.gauges():
            shown = GaugeMetricFamily(_PREFIX + gauges.name, gauges.doc, labels=gauges.labels)
            for labels, gauge in list(gauges.items()):
                shown.add_metric(labels, gauge.value)
            yield shown
        for name, (doc, value) in self._metrics.readings.items():
            yield GaugeMetricFamily(_PREFIX + name, doc, value=value())
        yield from self._histograms()

    def _histograms(self) -> Iterator[Metric]:
        for family in self._metrics.histograms():
            shown = HistogramMetricFamily(_PREFIX + family.name, family.doc, labels=family.labels)
            for labels, histogram in list(family.items()):
                shown.add_metric(labels, histogram.cumulative(), histogram.total)
            yield shown


def registry(metrics: Metrics) -> CollectorRegistry:
    """A registry of our own: nothing global is touched."""
    made = CollectorRegistry()
    made.register(MetricsCollector(metrics))
    ProcessCollector(registry=made)
    PlatformCollector(registry=made)
    return made


def exposition(source: CollectorRegistry) -> bytes:
    """The body of a /metrics answer."""
    return generate_latest(source)
