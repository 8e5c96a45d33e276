"""/health, /selftest and /status --tasks in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pipeline.checks.finding import Finding, Findings, Mark, Subject, fault, fine, skipped, warning
from storage.records import Failure, RunOfTask, SelfTest, TaskSeen, TasksOverview, WorkerTasks
from telegram_bot.views.health import render_health
from telegram_bot.views.self_test import render_self_test
from telegram_bot.views.tasks import render_tasks
from tests.unit.view_examples import EN, RU, START, at, marked

FOUND: dict[Subject, Findings] = {
    Subject.SETTINGS: [fine("health.settings.fine", operators=1)],
    Subject.DISK: [warning("health.disk.filling", folder="/data", free=500)],
    Subject.REDIS: [fault("health.redis.forgets"), fault("health.redis.evicts", policy="allkeys-lru")],
    Subject.BOT: [skipped("health.bot.no_token")],
    Subject.CLOCK: [fine("health.clock.fine", others="Redis", most=1)],
}


def test_health_word_for_word() -> None:
    view = render_health(FOUND, [], texts=EN)
    assert view.text == (
        "❌ 2 things are wrong.\n\n"
        "❌ Redis: it keeps nothing over a restart (no append-only file): limits and calls to workers would be lost. "
        "Set “appendonly yes” in its configuration, or redis-cli CONFIG SET appendonly yes.\n"
        "❌ Redis: when its memory is full it throws entries away (maxmemory-policy allkeys-lru), "
        "calls to workers too. "
        "Set “maxmemory-policy noeviction”, or redis-cli CONFIG SET maxmemory-policy noeviction.\n"
        "⚠️ Disk: 500 MiB are free at /data. Make room there soon.\n\n"
        "✅ Fine: Settings, Clock.\n\n"
        "➖ Not looked at: Bot."
    )
    assert marked(view, "bold") == ["❌ 2 things are wrong.", "Redis", "Redis", "Disk"]
    assert marked(view, "code") == [
        "redis-cli CONFIG SET appendonly yes",
        "redis-cli CONFIG SET maxmemory-policy noeviction",
    ]


def test_what_is_to_be_typed_is_no_link_and_copied_by_a_tap() -> None:
    found: dict[Subject, Findings] = {
        Subject.BOT: [fault("health.bot.nobody")],
        Subject.WORKERS: [fault("health.workers.unserved", queues="a, b", argument="a,b")],
    }
    view = render_health(found, [], texts=EN)
    assert marked(view, "code") == ["./run_bot.sh", "./run_worker.sh --queues a,b"]


@pytest.mark.parametrize(
    ("subjects", "headline"),
    [
        ((Subject.SETTINGS, Subject.CLOCK), "✅ Всё в порядке."),
        ((Subject.SETTINGS, Subject.DISK), "⚠️ Всё работает; 1 замечание."),
        ((Subject.REDIS, Subject.DISK), "❌ Найдены 2 неполадки."),
    ],
)
def test_the_headline_is_about_the_worst(subjects: tuple[Subject, ...], headline: str) -> None:
    found = {subject: FOUND[subject] for subject in subjects}
    assert render_health(found, [], texts=RU).text.startswith(headline)


def test_what_is_not_known_yet_is_named() -> None:
    text = render_health({Subject.SETTINGS: FOUND[Subject.SETTINGS]}, [Subject.MODEL, Subject.TELEGRAM], texts=EN).text
    assert text.startswith("🔎 Looking at everything")
    assert text.endswith("⏳ Still looking: Model, Telegram.")


def test_any_number_of_faults_fits_into_one_message() -> None:
    many = [Finding(Mark.FAULT, "health.settings.wrong", {"sentence": "ы" * 3000})] * 200
    view = render_health({Subject.SETTINGS: many}, [], texts=RU)
    assert len(view.text.encode("utf-16-le")) // 2 <= 4096


TESTED = SelfTest(3, START, at(1), at(3), "w1@here", "gpt-4.1-mini", 1234)


def test_a_self_test_that_worked() -> None:
    assert render_self_test(TESTED, is_local=False, texts=EN).text == (
        "✅ w1@here asked the model gpt-4.1-mini and had a good answer in 1.2 s.\nFrom your message to the answer: 3 s."
    )
    assert "Сам бот: модель gpt-4.1-mini" in render_self_test(TESTED, is_local=True, texts=RU).text


def test_a_self_test_that_failed_says_what_to_do_and_who_tried() -> None:
    failed = replace(TESTED, failure=Failure("model.quota", {"status": 429, "model": "gpt-4.1-mini"}))
    lines = render_self_test(failed, is_local=False, texts=EN).text.splitlines()
    assert lines[0] == "❌ The self-test has failed."
    assert lines[1].startswith("The provider's quota for the model gpt-4.1-mini is used up")
    assert lines[2] == "Tried by: w1@here, for 1.2 s."


def test_a_self_test_that_nobody_began_names_nobody() -> None:
    failed = SelfTest(3, START, finished_at=at(60), failure=Failure("selftest.no_worker", {}))
    assert "Tried by" not in render_self_test(failed, is_local=False, texts=EN).text


TASK = TaskSeen("categorize_posts", "3f2a", 41, START)
TASKS = TasksOverview(
    workers=(WorkerTasks("w1@here", (TASK,), (replace(TASK, id="77aa", number=42, started_at=None),)),),
    silent=("w2@there",),
    runs={("categorize_posts", 41): RunOfTask(7, "tech-ru")},
    needs_workers=True,
    now=START + timedelta(seconds=80),
)


def test_tasks_word_for_word() -> None:
    assert render_tasks(TASKS, texts=EN).text == (
        "w1@here\n"
        "active: 1, reserved: 1\n"
        "• categorize_posts(41) · run 7 of tech-ru · 1 min 20 s · 3f2a\n"
        "• categorize_posts(42) · of no run · reserved · 77aa\n\n"
        "⚠️ 1 worker did not answer within two seconds: w2@there. It may stand still; see /health."
    )


@pytest.mark.parametrize(
    ("overview", "said"),
    [
        (replace(TASKS, workers=(), silent=()), "No worker has answered yet."),
        (replace(TASKS, needs_workers=False), "The work is done inside the bot, without workers"),
    ],
)
def test_where_there_is_nobody_to_ask(overview: TasksOverview, said: str) -> None:
    assert said in render_tasks(overview, texts=EN).text


def test_any_number_of_workers_and_tasks_fits_into_one_message() -> None:
    busy = WorkerTasks("w" * 300, (TASK,) * 64, ())
    view = render_tasks(replace(TASKS, workers=(busy,) * 50, silent=("x" * 300,) * 50), texts=RU)
    assert len(view.text.encode("utf-16-le")) // 2 <= 4096
    assert "… и ещё 56 задач" in view.text
