"""What ``/metrics`` tells: counts and times, never who said what."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

LATENCY_BUCKETS = (0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30)

__all__ = ["CONTENT_TYPE_LATEST", "Metrics"]


class Metrics:
    """A registry of its own, so that two servers in one process do not share their counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.sessions = Gauge("voxcli_sessions", "Sessions connected or in grace", registry=self.registry)
        self.connections = Gauge("voxcli_connections", "Clients connected", registry=self.registry)
        self.queue = Gauge(
            "voxcli_queue_seconds", "Audio that has come and that no recognizer was given yet", registry=self.registry
        )
        self.audio = Counter("voxcli_audio_seconds", "Audio that has come", registry=self.registry)
        self.latency = Histogram(
            "voxcli_final_latency_seconds",
            "Audio received after the end of a final when it was ready",
            buckets=LATENCY_BUCKETS,
            registry=self.registry,
        )
        self.resumed = Counter("voxcli_resumed", "Sessions that a client came back to", registry=self.registry)
        self.failovers = Counter("voxcli_failovers", "Times another recognizer took over", registry=self.registry)
        self.rejections = Counter("voxcli_rejections", "Clients refused", ["reason"], registry=self.registry)
        self.errors = Counter("voxcli_session_errors", "Sessions that no recognizer could go on with",
                              registry=self.registry)  # fmt: skip

    def counting(self, sessions: Callable[[], float], queue: Callable[[], float]) -> None:
        """Where the gauges are read."""
        self.sessions.set_function(sessions)
        self.queue.set_function(queue)

    def text(self) -> bytes:
        """All of it in Prometheus's text format."""
        return generate_latest(self.registry)
