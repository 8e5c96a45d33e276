"""Messages that no worker of this version has sent: handled or dropped, and the worker goes on."""

from __future__ import annotations

import base64
import json
import pickle
from typing import Any
from uuid import uuid4

from redis import Redis

from pipeline.celery_app import make_producer_app
from pipeline.queues import ALL_QUEUES
from storage.records import WorkKind
from tests.faults.ledger import wait_for
from tests.faults.scene import Scene

ARGUMENTS: list[tuple[list[Any], dict[str, Any]]] = [
    ([], {}),
    ([None], {}),
    (["12"], {}),
    (["no number"], {}),
    ([-1], {}),
    ([0], {}),
    ([2**70], {}),
    ([1.5], {}),
    ([True], {}),
    ([[1, 2]], {}),
    ([{"id": 1}], {}),
    ([1, 2, 3], {}),
    ([], {"work_id": 1}),
    ([999_999], {}),
]


def envelope(body: bytes, content_type: str, task: str) -> bytes:
    """A message as Kombu lays it into a queue."""
    return json.dumps(
        {
            "body": base64.b64encode(body).decode(),
            "content-encoding": "binary",
            "content-type": content_type,
            "headers": {"lang": "py", "task": task, "id": str(uuid4()), "root_id": None, "parent_id": None},
            "properties": {
                "correlation_id": str(uuid4()),
                "reply_to": str(uuid4()),
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": "categorize"},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": str(uuid4()),
            },
        }
    ).encode()


def foreign_messages() -> list[bytes]:
    """What is no task of ours, or no task, or no message."""
    call = [[1], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
    task = WorkKind.CATEGORIZE.value
    return [
        b"",
        b"\x00\xff garbage",
        b"garbage",
        b"null",
        b"[]",
        b'"text"',
        b"7",
        b"{}",
        b'{"body": "x"}',
        envelope(pickle.dumps(call), "application/x-python-serialize", task),
        envelope(b"not base64 of json", "application/json", task),
        envelope(json.dumps({"old": "protocol"}).encode(), "application/json", task),
        envelope(json.dumps(call).encode(), "application/x-unknown", task),
        envelope(json.dumps(call).encode(), "application/json", "a_task_of_another_version"),
        envelope(json.dumps([]).encode(), "application/json", task),
    ]


def test_they_are_dropped_and_the_work_goes_on(scene: Scene) -> None:
    ended = scene.open_bot(posts=4)
    worker = scene.start_bare_worker("one", "--concurrency", "2")
    run_id = scene.start_run(ended)
    scene.ledger.wait_for_the_end(1)
    calls = len(scene.model.calls)

    app = make_producer_app(scene.redis.url)
    for kind in WorkKind:
        for arguments, named in ARGUMENTS:
            app.send_task(kind.value, args=arguments, kwargs=named, queue="categorize")
        app.send_task(kind.value, args=[run_id], queue="summarize")
    app.close()
    with Redis.from_url(scene.redis.url) as client:
        for queue in ALL_QUEUES:
            for message in foreign_messages():
                client.lpush(queue, message)

    wait_for(lambda: worker.poll() is not None or scene.ledger.queued() == 0, "an empty queue")
    assert worker.poll() is None, scene.installation.log("one")[-3000:]
    assert len(scene.model.calls) == calls, "nothing was asked for"
    scene.start_run(scene.open_bot(posts=4))
    runs = scene.ledger.wait_for_the_end(2)
    assert worker.poll() is None, "it is the same process"
    assert [run.state for run in runs] == ["done", "done"]
    scene.check()
