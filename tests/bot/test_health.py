"""/health: the checks of the doctor, as the bot's process sees them; /status --tasks: what workers say they are at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager

import pytest

from pipeline.checks.finding import Findings, Subject, fault, fine, warning
from pipeline.errors import BrokerUnavailable
from pipeline.services.examining import Check, Examination
from storage.records import TaskSeen, WorkerTasks
from telegram_bot.routers import health
from tests.bot.desk import ANNA, Desk, eventually, fresh_posts, utc_now
from tests.servers.telegram_faults import Fault
from tests.servers.telegram_records import Message


async def answer(desk: Desk, message: Message, *words: str) -> str:
    await desk.telegram.wait_for(lambda: all(word in message.text for word in words), timeout=30)
    return message.text


def examine_with(desk: Desk, *checks: Check) -> list[str]:
    """Let /health do these checks; what is returned says when a check-up was closed."""
    closed: list[str] = []

    @asynccontextmanager
    async def examine() -> AsyncIterator[Examination]:
        async def close() -> None:
            closed.append("closed")

        examination = Examination(checks, close)
        try:
            yield examination
        finally:
            await examination.close()

    desk.dispatcher["examine"] = examine
    return closed


def closed_times(closed: list[str]) -> Callable[[], Awaitable[int]]:
    async def count() -> int:
        return len(closed)

    return count


def check(subject: Subject, *findings: object, after: asyncio.Event | None = None) -> Check:
    async def look() -> Findings:
        if after is not None:
            await after.wait()
        return findings  # type: ignore[return-value]

    return Check(subject, 60.0, look)


async def test_the_real_checks_tell_the_real_faults_first(desk: Desk) -> None:
    """A desk of tests has no Redis and no process with the tick."""
    message = await desk.ask(desk.anna, "/health")
    assert message.history[0].text == "🔎 Looking at everything; this takes some seconds."
    said = await answer(desk, message, "things are wrong")
    assert "❌ Redis: it cannot be reached" in said
    assert "scripts/start_redis.sh" in said
    assert "❌ Tick: nobody does it" in said
    assert "Fine: Settings, Database, Disk, Workers, Queues, Model, Telegram" in said
    assert said.index("❌ Tick") < said.index("Fine:")


async def test_it_speaks_the_operators_language(desk: Desk) -> None:
    examine_with(
        desk, check(Subject.TICK, fault("health.tick.nobody")), check(Subject.DISK, fine("health.schedules.fine"))
    )
    said = await answer(desk, await desk.ask(desk.boris, "/health"), "❌ Найдена 1 неполадка.")
    assert "❌ Такт: его никто не ведёт" in said
    assert "✅ В порядке: Диск." in said


async def test_what_is_known_is_shown_while_slow_checks_go_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FIRST_NEWS_S", 0.1)
    slow = asyncio.Event()
    closed = examine_with(
        desk,
        check(Subject.DATABASE, warning("health.disk.filling", folder="/data", free=500)),
        check(Subject.TELEGRAM, fine("health.telegram.fine", username="desk_bot"), after=slow),
    )
    message = await desk.ask(desk.anna, "/health")
    said = await answer(desk, message, "⏳ Still looking: Telegram.")
    assert "⚠️ Database: 500 MiB are free at /data." in said
    assert (await desk.ask(desk.anna, "/status")).text, "nobody is held up meanwhile"
    slow.set()
    said = await answer(desk, message, "⚠️ It works; 1 thing needs a look.")
    assert "Still" not in said
    assert "✅ Fine: Telegram." in said
    await eventually(closed_times(closed), 1)


async def test_an_answer_that_telegram_puts_off_comes_later(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    examine_with(desk, check(Subject.DISK, fine("health.schedules.fine")))
    refused = iter([Fault.flood(1), Fault.html(502)])
    desk.telegram.fault = lambda call: next(refused, None) if call.method == "editMessageText" else None
    await answer(desk, await desk.ask(desk.anna, "/health"), "✅ All is well.")


async def test_a_bot_that_is_stopped_meanwhile_says_so(desk: Desk) -> None:
    closed = examine_with(desk, check(Subject.DISK, fine("health.schedules.fine"), after=asyncio.Event()))
    message = await desk.ask(desk.anna, "/health")
    await desk.stop()
    assert "The bot was stopped before it had the answer" in message.text
    assert closed == ["closed"]


async def test_a_bug_ends_in_words_and_an_id(desk: Desk) -> None:
    @asynccontextmanager
    async def examine() -> AsyncIterator[Examination]:
        raise ZeroDivisionError
        yield

    desk.dispatcher["examine"] = examine
    await answer(desk, await desk.ask(desk.anna, "/health"), "Something went wrong here. The log has the details under")


async def test_what_workers_are_at_is_told_with_run_and_bot(desk: Desk) -> None:
    await desk.open(fresh_posts(3))
    await desk.ask(desk.anna, "/digest city")
    await desk.beat(name="silent@here")
    run = await desk.the_run()
    now = utc_now()

    async def look(url: str, names: Collection[str]) -> tuple[WorkerTasks, ...]:
        assert set(names) == {"worker@here", "silent@here"}
        plan = TaskSeen("process_bot_digest", "3f2a", run.id, now)
        waiting = TaskSeen("categorize_posts", "77aa", 999, None)
        return (WorkerTasks("worker@here", (plan,), (waiting,)),)

    desk.dispatcher["look_at_tasks"] = look
    for command in ("/status --tasks", "/status —tasks", "/status tasks"):
        message = await desk.ask(desk.anna, command)
        said = await answer(desk, message, "worker@here", "active: 1, reserved: 1")
        assert f"• process_bot_digest({run.id}) · run {run.id} of city · " in said
        assert "· 3f2a" in said
        assert "• categorize_posts(999) · of no run · reserved · 77aa" in said
        assert "⚠️ 1 worker did not answer within two seconds: silent@here." in said


async def test_without_redis_nobody_can_be_asked_what_they_are_at(desk: Desk) -> None:
    async def look(url: str, names: Collection[str]) -> tuple[WorkerTasks, ...]:
        raise BrokerUnavailable("away")

    desk.dispatcher["look_at_tasks"] = look
    await answer(desk, await desk.ask(desk.anna, "/status --tasks"), "Redis does not answer")
    assert len(desk.sent_to(ANNA)) == 1
