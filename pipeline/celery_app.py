"""Celery as we use it: a doorbell. No results, no retries, no countdowns; early acknowledgement, since the rows are the
truth and the tick is the recovery (measured in docs/decisions/0001)."""

from __future__ import annotations

from celery import Celery
from kombu.entity import Queue
from kombu.transport import TRANSPORT_ALIASES

from pipeline.queues import ALL_QUEUES

CONNECT_TIMEOUT_S = 0.5


def make_worker_app(broker_url: str) -> Celery:
    """The application a worker runs: waits for the broker as long as it takes."""
    TRANSPORT_ALIASES.update(dict.fromkeys(("redis", "rediss"), "pipeline.celery_parts.careful_transport:Transport"))
    app = _make_app(broker_url)
    app.conf.update(
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            "health_check_interval": 10,
            # What was taken and not yet begun is not written down in Redis, which took a third of a task's trips there:
            # should this worker be killed, the tick rings again within seconds.
            "ack_emulation": False,
        },
        worker_consumer="pipeline.celery_parts.patient_consumer:PatientConsumer",
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_send_task_events=True,
        task_send_sent_event=False,
    )
    return app


def make_producer_app(broker_url: str) -> Celery:
    """The application that only rings: gives up at once where the broker cannot be reached."""
    app = _make_app(broker_url)
    app.conf.update(
        broker_connection_timeout=CONNECT_TIMEOUT_S,
        broker_transport_options={
            "socket_connect_timeout": CONNECT_TIMEOUT_S,
            "socket_timeout": CONNECT_TIMEOUT_S,
            "max_retries": 0,
        },
    )
    return app


def make_monitor_app(broker_url: str) -> Celery:
    """The application that only looks: what is in the queues, what workers tell of their tasks and of themselves."""
    app = _make_app(broker_url)
    app.conf.update(
        broker_connection_timeout=CONNECT_TIMEOUT_S,
        broker_transport_options={"socket_connect_timeout": CONNECT_TIMEOUT_S, "health_check_interval": 10},
    )
    with app.connection() as connection:  # it opens nothing; Flower's page about Redis looks here and not into the URL
        app.conf.broker_use_ssl = connection.ssl
    return app


def _make_app(broker_url: str) -> Celery:
    app = Celery("digest", broker=_with_checked_certificate(broker_url), set_as_current=False)
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],
        result_backend=None,
        task_ignore_result=True,
        task_acks_late=False,
        task_queues=[Queue(name) for name in ALL_QUEUES],  # type: ignore[no-untyped-call]
        task_default_queue="housekeeping",
        task_create_missing_queues=False,
        enable_utc=True,
    )
    return app


def _with_checked_certificate(url: str) -> str:
    """Where a rediss:// URL does not say whether to check the certificate, redis-py does and Kombu does not: it would
    show the password to whoever stands in between."""
    if not url.startswith("rediss://") or "ssl_cert_reqs=" in url:
        return url
    return f"{url}{'&' if '?' in url else '?'}ssl_cert_reqs=required"
