"""Every kind of work has a queue that workers serve, a service that does it, and a door for Celery."""

from __future__ import annotations

from unittest.mock import create_autospec

import pytest

from pipeline.celery_app import make_worker_app
from pipeline.queues import ALL_QUEUES, QUEUES
from pipeline.services.working import SERVICES
from pipeline.tasks import Performer, register_tasks
from storage.records import WorkKind


@pytest.mark.parametrize("kind", WorkKind)
def test_a_kind_has_a_queue_and_a_service(kind: WorkKind) -> None:
    assert QUEUES.get(kind) in ALL_QUEUES
    assert kind in SERVICES


@pytest.mark.parametrize("kind", WorkKind)
def test_a_kind_has_a_door_that_leads_to_it(kind: WorkKind) -> None:
    performer = create_autospec(Performer, instance=True)
    performer.plan_of.side_effect = lambda run_id: run_id
    app = make_worker_app("redis://127.0.0.1:1/0")
    register_tasks(app, performer)
    assert kind.value in app.tasks
    app.tasks[kind.value](5)
    if kind is WorkKind.DELIVER:
        performer.deliver.assert_called_once_with(5)
    else:
        performer.perform.assert_called_once_with(kind, 5)
