"""The meter of a process, in the library's objects: each count is written to the files of the process' slot."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from prometheus_client import Counter, Gauge, Histogram, values

from pipeline.adapters.metrics.catalogue import CATALOGUE, Kind
from pipeline.adapters.metrics.slots import LIVE, Slot
from pipeline.meter import CallOutcome, CardEdit, Fate, Limited, TaskOutcome, TickAction
from pipeline.queues import SELF_TEST
from storage.records import ModelCall, PostStatus, RunState, WorkKind

T = TypeVar("T", Counter, Gauge, Histogram)

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # where the library looks for its folder


class PrometheusMeter:
    """One for a process: the library keeps the way to its files in a variable of its own module."""

    def __init__(self, slot: Slot) -> None:
        self._process = slot.name
        values.ValueClass = values.MultiProcessValue(lambda: slot.name)  # type: ignore[no-untyped-call]
        with _folder(slot.folder):
            self._make()
            self._begin_at_zero()

    def run_ended(self, public_bot: str, state: RunState, seconds: float, posts: Mapping[PostStatus, int]) -> None:
        self._runs.labels(public_bot, state.value).inc()
        self._run_duration.labels(state.value).observe(max(seconds, 0.0))
        for status, number in posts.items():
            self._posts.labels(public_bot, status.value).inc(number)

    def model_called(self, public_bot: str, call: ModelCall, outcome: CallOutcome) -> None:
        self._calls.labels(call.model, outcome.value).inc()
        self._call_duration.labels(call.model, outcome.value).observe(call.duration_ms / 1000)
        tokens = {"input": call.input_tokens, "cached": call.cached_tokens, "output": call.output_tokens}
        for kind, number in tokens.items():
            self._tokens.labels(public_bot, kind).inc(number)
        self._cost.labels(public_bot).inc(call.cost)

    def waited(self, limited: Limited, seconds: float) -> None:
        self._waits.labels(limited.value).observe(max(seconds, 0.0))

    def sent(self, public_bot: str, fates: Mapping[Fate, int]) -> None:
        for fate, number in fates.items():
            self._deliveries.labels(public_bot, fate.value).inc(number)

    def ticked(self) -> None:
        self._ticks.inc()

    def tick_did(self, action: TickAction, times: int) -> None:
        self._tick_actions.labels(action.value).inc(times)

    def card_edited(self, outcome: CardEdit) -> None:
        self._card_edits.labels(outcome.value).inc()

    def task_ended(self, task: str, outcome: TaskOutcome, seconds: float) -> None:
        self._tasks.labels(task, outcome.value).inc()
        self._task_duration.labels(task).observe(seconds)

    def process_is(self, resident_bytes: float, lag_s: float) -> None:
        """How this process does."""
        self._memory.labels(self._process).set(resident_bytes)
        self._lag.labels(self._process).set(lag_s)

    def process_started(self, at: float) -> None:
        """In seconds since 1970."""
        self._started.labels(self._process).set(at)

    def close(self) -> None:
        """Nothing is counted after this."""
        values.ValueClass.close_all_files()

    def _make(self) -> None:
        self._runs = _metric(Counter, "digest_runs_ended_total")
        self._posts = _metric(Counter, "digest_posts_total")
        self._calls = _metric(Counter, "digest_model_calls_total")
        self._tokens = _metric(Counter, "digest_model_tokens_total")
        self._cost = _metric(Counter, "digest_model_cost_total")
        self._deliveries = _metric(Counter, "digest_deliveries_total")
        self._ticks = _metric(Counter, "digest_ticks_total")
        self._tick_actions = _metric(Counter, "digest_tick_actions_total")
        self._card_edits = _metric(Counter, "digest_card_edits_total")
        self._tasks = _metric(Counter, "digest_tasks_total")
        self._run_duration = _metric(Histogram, "digest_run_duration_seconds")
        self._call_duration = _metric(Histogram, "digest_model_call_duration_seconds")
        self._task_duration = _metric(Histogram, "digest_task_duration_seconds")
        self._waits = _metric(Histogram, "digest_limiter_wait_seconds")
        self._memory = _metric(Gauge, "digest_process_resident_memory_bytes")
        self._started = _metric(Gauge, "digest_process_start_time_seconds")
        self._lag = _metric(Gauge, "digest_event_loop_lag_seconds")

    def _begin_at_zero(self) -> None:
        """What can happen and has not is 0, so that the first time is seen as a change."""
        for action in TickAction:
            self._tick_actions.labels(action.value)
        for edit in CardEdit:
            self._card_edits.labels(edit.value)
        for task in (*(kind.value for kind in WorkKind), SELF_TEST):
            for outcome in TaskOutcome:
                self._tasks.labels(task, outcome.value)
        for limited in Limited:
            self._waits.labels(limited.value)
        self.process_is(0.0, 0.0)


def _metric(of: type[T], name: str) -> T:
    """The library's object for a metric of the catalogue, in no registry: it is read from the files."""
    metric = CATALOGUE[name]
    options: dict[str, object] = {"registry": None}
    if metric.kind is Kind.HISTOGRAM:
        options["buckets"] = metric.buckets
    if metric.kind is Kind.GAUGE:
        options["multiprocess_mode"] = LIVE
    return of(metric.name, metric.help, metric.labels, **options)  # type: ignore[arg-type]


@contextmanager
def _folder(folder: Path) -> Iterator[None]:
    """The library opens its files, one for each kind, when the first value of that kind is made."""
    before = os.environ.get(FOLDER_VARIABLE)
    os.environ[FOLDER_VARIABLE] = str(folder)
    try:
        yield
    finally:
        del os.environ[FOLDER_VARIABLE]
        if before is not None:
            os.environ[FOLDER_VARIABLE] = before
