"""Flower, Celery's web page, inside this process, so that neither its password nor Redis' is on a command line."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from celery import Celery

from pipeline.adapters.flower_login import FlowerLogin
from pipeline.celery_app import make_monitor_app
from settings import BadSettings

KEPT_TASKS = 10_000
SAVED_EVERY_MS = 60_000  # so much of what it has seen a kill -9 costs it
GONE_AFTER_S = 86_400  # a worker has a new name at each start, unless it was given one


def serve_flower(
    broker_url: str, *, host: str, port: int, login: FlowerLogin, database: Path, on_listening: Callable[[int], None]
) -> None:
    """Serve until SIGTERM or Ctrl-C; what it has seen of tasks and workers is kept in `database`.

    Nothing can be done to workers from its pages: a task of ours is stopped through its row, and what a worker serves
    is decided where it is started.

    Args:
        on_listening: is told the port once it listens.

    Raises:
        BadSettings: it cannot listen there.
    """
    from flower.app import Flower
    from flower.options import options
    from flower.urls import settings as pages

    options.address, options.port = host, port
    options.basic_auth = [f"{login.user}:{login.password}"]
    options.db, options.persistent, options.state_save_interval = str(database), True, SAVED_EVERY_MS
    options.max_tasks, options.purge_offline_workers = KEPT_TASKS, GONE_AFTER_S
    options.tasks_columns = "name,args,state,received,runtime,worker,uuid"
    options.read_only = True
    _silence_the_usual()
    app = make_monitor_app(broker_url)
    flower = Flower(capp=app, options=options, events=_events(app, options), **pages)
    _guard_metrics(flower)
    on_listening(_listen(flower, host, port))
    _stop_at_signals(flower)
    flower.start()


def _events(app: Celery, options: Any) -> Any:
    from tornado.ioloop import IOLoop

    from pipeline.adapters.flower_events import PatientEvents

    return PatientEvents(
        app,
        io_loop=IOLoop.current(),
        db=options.db,
        persistent=options.persistent,
        state_save_interval=options.state_save_interval,
        enable_events=options.enable_events,
        max_workers_in_memory=options.max_workers,
        max_tasks_in_memory=options.max_tasks,
    )


def _listen(flower: Any, host: str, port: int) -> int:
    try:
        return int(flower.start_http_server())
    except OSError as error:
        why = error.strerror or error
        raise BadSettings(
            f"Flower cannot listen on {host}:{port} ({why}): stop what is there, or name another port."
        ) from None


def _stop_at_signals(flower: Any) -> None:
    def stop(*_: object) -> None:
        flower.io_loop.add_callback_from_signal(flower.stop)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def _guard_metrics(flower: Any) -> None:
    """As it comes, Flower tells the names of workers and tasks at /metrics to whoever asks."""
    from flower.views.monitor import Metrics
    from tornado.web import authenticated

    class GuardedMetrics(Metrics):  # type: ignore[misc]
        get = authenticated(Metrics.get)

    flower.add_handlers(".*", [("/metrics", GuardedMetrics)])


def _silence_the_usual() -> None:
    """A page asks again every few seconds, and there may be no worker to ask: that is no news."""
    logging.getLogger("tornado.access").setLevel(logging.CRITICAL)
    logging.getLogger("flower.inspector").setLevel(logging.ERROR)
    logging.getLogger("flower.events").setLevel(logging.ERROR)
