"""What the runs of the past have left behind, as rows: run 1 is the first public bot's of the first day, and so on.

Rows are numbered by the database in the order in which they come here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from benchmarks.stored.size import (
    BOTS,
    IN_A_DIGEST,
    POSTS_A_CALL,
    POSTS_A_DAY,
    POSTS_OF_A_RUN,
    READERS,
    SOURCES_OF_A_BOT,
    Size,
)
from storage.models import (
    ActionRow,
    Base,
    CardRow,
    DeliveryRow,
    DigestRow,
    GivenPostRow,
    ModelAnswerRow,
    ModelCallRow,
    RunPostRow,
    RunRow,
    SlotRow,
    SubscriberRow,
    WorkRow,
)
from storage.records import DeliveryState, PostStatus, RunState, WorkKind, WorkState
from tests.support import NOON

Row = Mapping[str, Any]
DAY = timedelta(days=1)
FAILS_EVERY = 50  # runs
OPERATOR = 1000
STATUSES = (PostStatus.SUMMARIZED, PostStatus.PASSED_OVER, PostStatus.IRRELEVANT)
LINE = "Some words of a model about this post, as long as they usually are. "


def everything(size: Size) -> Iterator[tuple[type[Base], Iterator[Row]]]:
    """Each table with its rows, those that others refer to first."""
    yield SubscriberRow, _subscribers()
    yield RunRow, _runs(size)
    yield SlotRow, _slots(size)
    yield RunPostRow, _run_posts(size)
    yield WorkRow, _work(size)
    yield ModelCallRow, _model_calls(size)
    yield ModelAnswerRow, _model_answers(size)
    yield DigestRow, _digests(size)
    yield GivenPostRow, _given_posts(size)
    yield CardRow, _cards(size)
    yield DeliveryRow, _deliveries(size)
    yield ActionRow, _actions(size)


def post_ids(size: Size, run: int) -> Iterator[int]:
    """The posts of a run; those of a source are numbered one after the other."""
    of_source = size.days * POSTS_A_DAY
    first_source = bot_of(run) * SOURCES_OF_A_BOT
    for source in range(first_source, first_source + SOURCES_OF_A_BOT):
        first = source * of_source + _day_of(run) * POSTS_A_DAY + 1
        yield from range(first, first + POSTS_A_DAY)


def bot_of(run: int) -> int:
    """Counted from 0."""
    return (run - 1) % BOTS


def _day_of(run: int) -> int:
    return (run - 1) // BOTS


def _made_at(size: Size, run: int) -> datetime:
    return NOON - DAY * (size.days - 1 - _day_of(run))


def _all_runs(size: Size) -> range:
    return range(1, size.runs + 1)


def _subscribers() -> Iterator[Row]:
    for bot in range(BOTS):
        for reader in range(READERS):
            yield {
                "public_bot_id": bot + 1, "chat_id": 5000 + bot * READERS + reader, "kind": "private", "language": "en",
                "state": "active", "created_at": NOON - DAY, "changed_at": NOON - DAY,
            }  # fmt: skip


def _runs(size: Size) -> Iterator[Row]:
    for run in _all_runs(size):
        made_at = _made_at(size, run)
        yield {
            "public_bot_id": bot_of(run) + 1, "state": RunState.FAILED if run % FAILS_EVERY == 0 else RunState.DONE,
            "version": 60, "engine": "celery", "provider": "openai", "model": "a-model", "origin": "schedule",
            "chat_id": OPERATOR, "message_id": run, "period_start": made_at - DAY, "period_end": made_at,
            "post_limit": IN_A_DIGEST, "deliver": True, "created_at": made_at, "started_at": made_at,
            "stage_started_at": made_at, "finished_at": made_at + timedelta(minutes=2),
        }  # fmt: skip


def _slots(size: Size) -> Iterator[Row]:
    for run in _all_runs(size):
        due_at = _made_at(size, run)
        yield {"public_bot_id": bot_of(run) + 1, "due_at": due_at, "run_id": run, "created_at": due_at}


def _run_posts(size: Size) -> Iterator[Row]:
    for run in _all_runs(size):
        for index, post_id in enumerate(post_ids(size, run)):
            status = STATUSES[0] if index < IN_A_DIGEST else STATUSES[1 + index % 2]
            is_told = status is PostStatus.SUMMARIZED
            yield {
                "run_id": run, "post_id": post_id, "status": status, "category": "Transport", "importance": 3,
                "reason": LINE, "headline": LINE if is_told else None, "summary": LINE * 4 if is_told else None,
            }  # fmt: skip


def _work(size: Size) -> Iterator[Row]:
    for run in _all_runs(size):
        at = _made_at(size, run)
        ids = list(post_ids(size, run))
        for kind, of_kind in ((WorkKind.CATEGORIZE, ids), (WorkKind.SUMMARIZE, ids[:IN_A_DIGEST])):
            for start in range(0, len(of_kind), POSTS_A_CALL):
                yield {
                    "run_id": run, "kind": kind, "state": WorkState.DONE,
                    "post_ids": of_kind[start : start + POSTS_A_CALL], "fence": 1, "failures": 0, "crashes": 0,
                    "retries": 0, "due_at": at, "rung_at": at, "created_at": at,
                }  # fmt: skip


def _model_calls(size: Size) -> Iterator[Row]:
    calls = (POSTS_OF_A_RUN + IN_A_DIGEST) // POSTS_A_CALL
    for run in _all_runs(size):
        for call in range(calls):
            yield {
                "run_id": run, "work_id": (run - 1) * calls + call + 1, "model": "a-model", "outcome": "ok",
                "input_tokens": 1600, "cached_tokens": 0, "output_tokens": 300, "cost": 0.001, "duration_ms": 800,
                "called_at": _made_at(size, run),
            }  # fmt: skip


def _model_answers(size: Size) -> Iterator[Row]:
    for run in _all_runs(size):
        for post_id in post_ids(size, run):
            key = hashlib.sha256(f"{run}/{post_id}".encode()).hexdigest()
            answer = {"category": "Transport", "importance": 3, "reason": LINE}
            yield {"key": key, "answer": answer, "asked_at": _made_at(size, run)}


def _digests(size: Size) -> Iterator[Row]:
    for run in _all_runs(size):
        ids = list(post_ids(size, run))[:IN_A_DIGEST]
        items = [{"post": one, "headline": LINE, "text": LINE * 4, "url": None, "source": "A source"} for one in ids]
        content = {
            "bot": f"bot-{bot_of(run)}", "title": "A bot", "language": "en", "timezone": "UTC",
            "sections": [{"category": "Transport", "items": items}],
        }  # fmt: skip
        yield {"run_id": run, "public_bot_id": bot_of(run) + 1, "content": content, "created_at": _made_at(size, run)}


def _given_posts(size: Size) -> Iterator[Row]:
    for run in _all_runs(size):
        for post_id in list(post_ids(size, run))[:IN_A_DIGEST]:
            text_hash = hashlib.sha256(f"{post_id}".encode()).hexdigest()[:32]
            yield {
                "public_bot_id": bot_of(run) + 1, "post_id": post_id, "text_hash": text_hash, "digest_id": run,
                "given_at": _made_at(size, run),
            }  # fmt: skip


def _cards(size: Size) -> Iterator[Row]:
    for run in _all_runs(size):
        at = _made_at(size, run)
        yield {
            "run_id": run, "chat_id": OPERATOR, "message_id": run, "language": "en", "shown_version": 60,
            "is_final": True, "is_gone": False, "parts_sent": 1, "announced_at": at, "created_at": at,
        }  # fmt: skip


def _deliveries(size: Size) -> Iterator[Row]:
    for run in _all_runs(size):
        at = _made_at(size, run)
        first = bot_of(run) * READERS
        for reader in range(first, first + READERS):
            yield {
                "digest_id": run, "subscriber_id": reader + 1, "chat_id": 5000 + reader, "part": 0, "lane": reader % 4,
                "state": DeliveryState.SENT, "attempt": 1, "due_at": at, "started_at": at, "ended_at": at,
                "message_id": run,
            }  # fmt: skip


def _actions(size: Size) -> Iterator[Row]:
    for run in _all_runs(size):
        yield {
            "at": _made_at(size, run), "operator_id": OPERATOR, "operator_name": "Operator", "kind": "publish",
            "public_bot_id": bot_of(run) + 1, "run_id": run, "details": {},
        }  # fmt: skip
