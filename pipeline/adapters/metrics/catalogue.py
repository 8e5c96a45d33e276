"""Every metric that there is, with its kind, its labels and its buckets: `CATALOGUE`, by name.

The one list that the meter, the endpoint, the dashboard and the alerts are checked against. It imports nothing of
Prometheus. Labels never hold anything about a person, a run or a secret: only names from the settings and from the bots
file, and words of our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

SUFFIXES = ("_bucket", "_sum", "_count")  # of a histogram's series


class Kind(StrEnum):
    COUNTER = "counter"
    HISTOGRAM = "histogram"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True)
class Metric:
    """`is_of_process`: each process has its own value; other gauges are read when somebody asks, and are the same from
    every host. `buckets` are the upper ends of a histogram's, in seconds."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    is_of_process: bool = False

    @property
    def series(self) -> tuple[str, ...]:
        """The names that a query can use."""
        return tuple(self.name + suffix for suffix in SUFFIXES) if self.kind is Kind.HISTOGRAM else (self.name,)


def _counter(name: str, help: str, *labels: str) -> Metric:
    return Metric(name, Kind.COUNTER, help, labels)


def _histogram(name: str, help: str, labels: tuple[str, ...], *buckets: float) -> Metric:
    return Metric(name, Kind.HISTOGRAM, help, labels, buckets)


def _gauge(name: str, help: str, *labels: str) -> Metric:
    return Metric(name, Kind.GAUGE, help, labels)


def _of_process(name: str, help: str) -> Metric:
    return Metric(name, Kind.GAUGE, help, ("process",), is_of_process=True)


_ALL = (
    _counter("digest_runs_ended_total", "Runs that have ended, by how.", "public_bot", "state"),
    _counter("digest_posts_total", "Posts of runs that have ended, by where they got to.", "public_bot", "outcome"),
    _counter("digest_model_calls_total", "Calls of a model, by what came of them.", "model", "outcome"),
    _counter("digest_model_tokens_total", "Tokens of model calls as reported; cached ones are input, too.",
             "public_bot", "kind"),
    _counter("digest_model_cost_total", "Money that model calls cost, in the currency of the prices.", "public_bot"),
    _counter("digest_deliveries_total", "Messages to readers, by the fate of each sending.", "public_bot", "outcome"),
    _counter("digest_ticks_total", "Ticks that this host's processes have done."),
    _counter("digest_tick_actions_total", "What ticks did, by kind.", "action"),
    _counter("digest_card_edits_total", "Cards that were to show something new, by what came of it.", "outcome"),
    _counter("digest_tasks_total", "Tasks that were worked on, by how they ended.", "task", "outcome"),
    _histogram("digest_run_duration_seconds", "From the order to the end of a run, people's decisions included.",
               ("state",), 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 21600, 86400),
    _histogram("digest_model_call_duration_seconds", "How long a model took to answer.", ("model", "outcome"),
               0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120),
    _histogram("digest_task_duration_seconds", "How long a task took.", ("task",),
               0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
    _histogram("digest_limiter_wait_seconds", "How long a call waited for its place within the limits.", ("limiter",),
               0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10),
    _gauge("digest_queue_depth", "Messages in the broker that no worker has taken yet.", "queue"),
    _gauge("digest_oldest_task_age_seconds", "How long the oldest due task has waited to be taken.", "queue"),
    _gauge("digest_runs_going_on", "Runs that have not ended.", "state"),
    _gauge("digest_workers", "Workers that have given a sign of life within the last seconds."),
    _gauge("digest_bot_serving", "1: a bot process serves the operators."),
    _gauge("digest_tick_held", "1: a process does the tick."),
    _gauge("digest_deliveries_in_doubt", "Messages of the latest 300 digests that may or may not have arrived."),
    _gauge("digest_model_blocked", "1: the model works again only when somebody acts."),
    _gauge("digest_token_faults", "Public bots whose token cannot be used."),
    _gauge("digest_overdue_schedules", "Public bots whose digest has been due for a minute and is not on its way."),
    _gauge("digest_broker_up", "1: Redis answers. Absent where engine.mode is local."),
    _gauge("digest_database_up", "1: the database answers."),
    _gauge("digest_disk_free_bytes", "Room where the database is, or the folder of this installation's files."),
    _of_process("digest_process_resident_memory_bytes", "Memory of a process."),
    _of_process("digest_process_start_time_seconds", "When a process started, in seconds since 1970."),
    _of_process("digest_event_loop_lag_seconds", "How late a process' event loop was at worst, in the last seconds."),
)  # fmt: skip

CATALOGUE: Mapping[str, Metric] = {metric.name: metric for metric in _ALL}
