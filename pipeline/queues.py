"""Celery's queues and what goes through each, so that no kind of work starves another."""

from __future__ import annotations

from collections.abc import Mapping

from storage.records import WorkKind

SELF_TEST = "test_ai_service"
SELF_TEST_QUEUE = "categorize"  # where those listen who ask models

ALL_QUEUES = ("categorize", "summarize", "deliver", "housekeeping")

QUEUES: Mapping[WorkKind, str] = {
    WorkKind.PLAN: "housekeeping",
    WorkKind.CATEGORIZE: "categorize",
    WorkKind.SUMMARIZE: "summarize",
    WorkKind.ASSEMBLE: "housekeeping",
    WorkKind.DELIVER: "deliver",
}
