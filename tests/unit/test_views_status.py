"""/status in words a person understands."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from storage.records import Engine, Failure, PostStatus, RunState, StatusOverview
from telegram_bot.views.status import render_status
from tests.unit.view_examples import EN, RU, RUN, START, marked, progress, worker

P = PostStatus
FAILED = replace(RUN, id=5, failure=Failure("model.quota", {"status": 429, "model": "gpt-4.1-mini"}))
OVERVIEW = StatusOverview(
    workers=(worker(),),
    workers_alive=1,
    queues={"categorize": 10, "summarize": 2, "deliver": 1, "housekeeping": 0},
    engine=Engine.CELERY,
    active=(progress(RunState.CATEGORIZING, {P.FRESH: 18, P.CATEGORIZED: 12}),),
    recent=(
        progress(RunState.DONE, {P.SUMMARIZED: 12}, replace(RUN, id=6)),
        progress(RunState.CANCELLED, {}, replace(RUN, id=8)),
        progress(RunState.FAILED, {}, FAILED),
        progress(RunState.DONE, {P.IRRELEVANT: 3}, replace(RUN, id=4)),
    ),
    posts_stored=1234,
    sources=8,
    now=START + timedelta(hours=3),
)


def test_status_word_for_word() -> None:
    view = render_status(OVERVIEW, texts=EN)
    assert view.text == (
        "1 worker is ready (this-host, 32 at a time).\n"
        "12 batches wait. 1 other task waits.\n"
        "Stored: 1,234 posts from 8 sources.\n\n"
        "Going on now\n"
        "• Технодайджест: Sorting the posts into categories (12 of 30), cost 0.0123, 3 h (run 7)\n\n"
        "Last digests\n"
        "• Технодайджест: 12 posts, cost 0.0123, 3 hours ago (run 6)\n"
        "• Технодайджест: nothing to give, cost 0.0123, 3 hours ago (run 4)\n\n"
        "Last failures\n"
        "• Технодайджест, 3 hours ago (run 5): The provider's quota for the model gpt-4.1-mini is used up "
        "(status 429). Top up the account or wait for the next period; what waits for it goes on by itself then."
    )
    assert marked(view, "bold") == ["Going on now", "Last digests", "Last failures"]


def test_status_in_russian() -> None:
    text = render_status(OVERVIEW, texts=RU).text
    assert text.startswith(
        "Работает 1 обработчик (this-host, одновременно 32).\n"
        "В очереди 12 пакетов постов. Ждёт ещё 1 задача.\n"
        "В базе 1\u00a0234 поста из 8 источников.\n\n"
        "Сейчас в работе\n"
        "• Технодайджест: Раскладываю посты по категориям (12 из 30), стоимость 0,0123, 3 ч (запуск 7)\n"
    )


def test_a_quiet_desk() -> None:
    quiet = replace(OVERVIEW, queues={"categorize": 0}, active=(), recent=())
    text = render_status(quiet, texts=EN).text
    assert "Nothing waits in the queues." in text
    assert text.endswith("\n\nNo digest is being made. Start one with /digest.")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"workers": (), "workers_alive": 0}, "No worker has answered yet. Start one with ./run_worker.sh."),
        (
            {"workers_alive": 0},
            "No worker answers; the last one, this-host, was heard of 3 hours ago. Start one with ./run_worker.sh.",
        ),
        (
            {"workers": (worker("a"), worker("b"), worker("dead")), "workers_alive": 2},
            "2 workers are ready (a, 32 at a time; b, 32 at a time).",
        ),
        ({"queues": None}, "Redis does not answer, so workers cannot be called. Start it with scripts/start_redis.sh."),
        ({"engine": Engine.LOCAL, "queues": None}, "The work is done inside the bot, without workers"),
    ],
)
def test_workers_and_broker_in_words(change: dict[str, object], expected: str) -> None:
    text = render_status(replace(OVERVIEW, **change), texts=EN).text  # type: ignore[arg-type]
    assert expected in text
    assert ("Redis" in text) == ("Redis" in expected)


def test_many_runs_and_long_reasons_stay_within_one_message() -> None:
    failure = Failure("model.unavailable", {"reason": "🚀" * 5000})
    failed = progress(RunState.FAILED, run=replace(RUN, bot_title="Т" * 500, failure=failure))
    busy = replace(OVERVIEW, active=OVERVIEW.active * 80, recent=(failed,) * 80, workers=(worker("h" * 300),) * 50)
    view = render_status(replace(busy, workers_alive=50), texts=RU)
    assert len(view.text.encode("utf-16-le")) // 2 <= 4096
    assert view.text.count("Модель недоступна") == 3
