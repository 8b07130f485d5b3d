"""What all workers have counted, the dead included, as one registry of the supervisor."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

__all__ = ["forget_open", "registry_of_workers"]


def registry_of_workers(
    folder: str, *, ready: Callable[[], int], restarts: Callable[[], int]
) -> CollectorRegistry:
    """Sums over what workers keep in that folder; and how many of them serve, and had to be
    started again."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=folder)  # type: ignore[no-untyped-call]
    registry.register(_Workers(ready, restarts))
    return registry


def forget_open(folder: str, worker: int) -> None:
    """A worker has died, and its connections with it; what it counted stays."""
    mark_process_dead(worker, folder)  # type: ignore[no-untyped-call]


class _Workers(Collector):
    """Asked anew for each page."""

    def __init__(self, ready: Callable[[], int], restarts: Callable[[], int]) -> None:
        self._ready = ready
        self._restarts = restarts

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        yield GaugeMetricFamily(
            "ws76proxy_workers", "Worker processes that serve.", value=self._ready()
        )
        yield CounterMetricFamily(
            "ws76proxy_worker_restarts",
            "Workers that ended and got a successor.",
            value=self._restarts(),
        )
