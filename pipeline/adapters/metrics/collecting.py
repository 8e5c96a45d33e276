"""What a scrape is told: the counts of this host's processes from their files, and the installation's situation."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from concurrent.futures import TimeoutError as TooLate
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from pipeline.adapters.metrics.catalogue import CATALOGUE, Kind
from pipeline.adapters.metrics.catalogue import Metric as Known
from pipeline.adapters.metrics.slots import forget_the_dead, is_readable
from pipeline.meter import Situation, Stored

log = logging.getLogger(__name__)

DEADLINE_S = 4.0  # for the situation; a whole scrape answers within 5 s

Look = Callable[[], Awaitable[Situation]]


def make_registry(folder: Path, look: Look, loop: asyncio.AbstractEventLoop) -> CollectorRegistry:
    """What a scrape is answered from; `look` runs on the loop."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(HostCollector(folder))
    registry.register(SituationCollector(look, loop))
    return registry


class HostCollector(Collector):
    """The sums over all slots of this host. What an earlier version counted and this one does not know is left out."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        forget_the_dead(self._folder)
        found = {_full_name(metric): metric for metric in self._merged()}
        for known in CATALOGUE.values():
            if known.kind is Kind.GAUGE and not known.is_of_process:
                continue
            metric = Metric(known.name.removesuffix("_total"), known.help, known.kind.value)
            if known.name in found:
                metric.samples = [one for one in found[known.name].samples if {*one.labels} - {"le"} == {*known.labels}]
            yield metric

    def _merged(self) -> Iterable[Metric]:
        files = sorted(self._folder.glob("*.db"))
        try:
            return _merge(files)
        except Exception:
            log.exception("A metrics file cannot be read; the others are.")
        return _merge([path for path in files if is_readable(path)])


class SituationCollector(Collector):
    """The gauges that are the same for all processes, read when asked. What does not answer in time is absent."""

    def __init__(self, look: Look, loop: asyncio.AbstractEventLoop) -> None:
        self._look = look
        self._loop = loop

    def collect(self) -> Iterable[Metric]:
        situation = self._situation()
        stored = situation.stored
        yield _gauge("digest_database_up", stored is not None)
        if situation.has_broker:
            yield _gauge("digest_broker_up", situation.queues is not None)
        if situation.queues:
            yield _gauge("digest_queue_depth", situation.queues)
        if situation.disk_free_bytes is not None:
            yield _gauge("digest_disk_free_bytes", situation.disk_free_bytes)
        if stored is not None:
            yield from _of_rows(stored)

    def _situation(self) -> Situation:
        """Called from a thread of the endpoint."""
        asked = self._ask()
        try:
            future = asyncio.run_coroutine_threadsafe(asked, self._loop)
        except RuntimeError:  # the process is ending
            asked.close()
            return Situation()
        try:
            return future.result(DEADLINE_S)
        except TooLate:
            future.cancel()
            log.warning("The event loop did not answer within %.0f s.", DEADLINE_S)
            return Situation()

    async def _ask(self) -> Situation:
        return await self._look()


def _of_rows(stored: Stored) -> Iterator[Metric]:
    yield _gauge("digest_oldest_task_age_seconds", stored.oldest_task_s)
    yield _gauge("digest_runs_going_on", {state.value: number for state, number in stored.runs.items()})
    yield _gauge("digest_workers", stored.workers)
    yield _gauge("digest_bot_serving", stored.is_bot_serving)
    yield _gauge("digest_tick_held", stored.is_tick_held)
    yield _gauge("digest_deliveries_in_doubt", stored.deliveries_in_doubt)
    yield _gauge("digest_model_blocked", stored.is_model_blocked)
    yield _gauge("digest_token_faults", stored.token_faults)
    yield _gauge("digest_overdue_schedules", stored.overdue_schedules)


def _gauge(name: str, value: float | Mapping[str, float]) -> Metric:
    """A gauge of the catalogue; a mapping has a value for each value of its one label."""
    known: Known = CATALOGUE[name]
    family = GaugeMetricFamily(known.name, known.help, labels=known.labels)
    if isinstance(value, Mapping):
        for label, number in value.items():
            family.add_metric([label], number)
    else:
        family.add_metric([], value)
    return family


def _merge(files: Iterable[Path]) -> Iterable[Metric]:
    merged: Iterable[Metric] = MultiProcessCollector.merge([str(path) for path in files])  # type: ignore[no-untyped-call]
    return list(merged)


def _full_name(metric: Metric) -> str:
    return metric.name + "_total" if metric.type == "counter" else metric.name
