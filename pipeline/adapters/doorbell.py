"""Ringing: a message to a Celery worker, or a nudge to the local engine of this process."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial

from celery import Celery
from kombu.exceptions import BatchPublishError, OperationalError
from redis import Redis
from redis.exceptions import RedisError

from pipeline.celery_app import CONNECT_TIMEOUT_S, make_producer_app
from pipeline.errors import BrokerUnavailable
from pipeline.queues import ALL_QUEUES, QUEUES, SELF_TEST, SELF_TEST_QUEUE
from storage.records import Engine, Ring, WorkKind

ADDRESS = re.compile(r" connecting to (?:unix socket: )?\S+")  # as redis-py writes it


class CeleryDoorbell:
    """Publishes from a thread of its own, since Celery's client blocks; for work of local runs `on_local` is called."""

    def __init__(self, broker_url: str, on_local: Callable[[], None]) -> None:
        self._broker_url = broker_url
        self._on_local = on_local
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="doorbell")
        self._app: Celery | None = None
        self._redis: Redis | None = None

    async def ring(self, rings: Sequence[Ring]) -> None:
        if any(ring.engine is Engine.LOCAL for ring in rings):
            self._on_local()
        remote = [ring for ring in rings if ring.engine is Engine.CELERY]
        if remote:
            publish = partial(copy_context().run, self._publish, remote)  # so that its lines say what they are about
            await asyncio.get_running_loop().run_in_executor(self._thread, publish)

    async def ring_self_test(self, self_test_id: int) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._send, [(SELF_TEST, self_test_id, SELF_TEST_QUEUE)])

    async def depths(self) -> Mapping[str, int]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._depths)

    async def close(self) -> None:
        self._thread.shutdown(wait=True)
        if self._app is not None:
            self._app.close()
        if self._redis is not None:
            self._redis.close()

    def _publish(self, rings: Sequence[Ring]) -> None:
        self._send([(ring.kind.value, _argument(ring), QUEUES[ring.kind]) for ring in rings])

    def _send(self, calls: Iterable[tuple[str, int | None, str]]) -> None:
        """Each is a task's name, its argument and its queue."""
        if self._app is None:
            self._app = make_producer_app(self._broker_url)
        try:
            with self._app.producer_or_acquire() as producer, producer.batch():
                for task, argument, queue in calls:
                    self._app.send_task(task, args=[argument], queue=queue, retry=False, producer=producer)
        except OperationalError as error:
            raise BrokerUnavailable(cause(error)) from None
        except BatchPublishError as error:
            raise BrokerUnavailable(cause(error.__cause__ or error)) from None

    def _depths(self) -> Mapping[str, int]:
        try:
            if self._redis is None:
                self._redis = Redis.from_url(
                    as_redis_py_writes_it(self._broker_url),
                    socket_connect_timeout=CONNECT_TIMEOUT_S,
                    socket_timeout=CONNECT_TIMEOUT_S,
                )
            with self._redis.pipeline(transaction=False) as pipe:
                for queue in ALL_QUEUES:
                    pipe.llen(queue)
                return dict(zip(ALL_QUEUES, pipe.execute(), strict=True))
        except (RedisError, OSError) as error:
            raise BrokerUnavailable(cause(error)) from None


class LocalDoorbell:
    """For engine.mode "local": there is no broker, only this process."""

    def __init__(self, on_local: Callable[[], None]) -> None:
        self._on_local = on_local

    async def ring(self, rings: Sequence[Ring]) -> None:
        if any(ring.engine is Engine.CELERY for ring in rings):
            raise BrokerUnavailable("engine.mode is local")
        if rings:
            self._on_local()

    async def ring_self_test(self, self_test_id: int) -> None:
        raise BrokerUnavailable("engine.mode is local")

    async def depths(self) -> Mapping[str, int]:
        return {}

    async def close(self) -> None:
        """Nothing to close."""


def _argument(ring: Ring) -> int | None:
    """What the task of this kind is told, by the contract of names."""
    match ring.kind:
        case WorkKind.PLAN:
            return ring.run_id
        case WorkKind.DELIVER:
            return ring.digest_id
    return ring.work_id


def as_redis_py_writes_it(url: str) -> str:
    """Kombu names a socket redis+socket:///PATH?virtual_host=N, redis-py unix:///PATH?db=N."""
    return url.replace("redis+socket://", "unix://", 1).replace("virtual_host=", "db=", 1)


def cause(error: BaseException) -> str:
    """What is wrong, without where."""
    return f"{type(error).__name__}: {ADDRESS.sub('', str(error))}"
