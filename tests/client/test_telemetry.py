"""OpenTelemetry, where the application has it: an event on the span and a counter with few labels."""

from __future__ import annotations

import pytest
import requests

import governor


def test_span_events_and_metrics(enabled, web):
    pytest.importorskip("opentelemetry.sdk")
    from opentelemetry import metrics, trace
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import TracerProvider

    reader = InMemoryMetricReader()
    metrics.set_meter_provider(MeterProvider([reader]))
    provider = TracerProvider()
    plane = enabled()
    with trace.use_span(provider.get_tracer("test").start_span("work")) as _:
        span = trace.get_current_span()
        requests.get(web.url + "/a", timeout=5)
        requests.get(web.url + "/a", timeout=5)
        plane.answer = "DENY"
        with pytest.raises(governor.PolicyDenied):
            requests.delete(web.url + "/a", timeout=5)
    assert [(event.attributes["governor.decision"], event.attributes["governor.cached"]) for event in span.events] == [
        ("ALLOW", False), ("ALLOW", True), ("DENY", False),
    ]  # fmt: skip
    names = {metric.name for scope in reader.get_metrics_data().resource_metrics[0].scope_metrics for metric in scope.metrics if metric.name.startswith("governor.")}
    assert names == {"governor.decisions", "governor.decision.latency"}
