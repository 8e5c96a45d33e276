"""After a restore nobody gets anything twice: what the backup calls unsent may have been sent since it was taken."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.adapters.limiter import LocalLimiter
from pipeline.services import bite
from pipeline.services.following import load_progress
from pipeline.services.publishing import publish, regenerate, resend_uncertain
from pipeline.services.retrying import retry_run
from pipeline.services.scheduling import start_due_runs
from pipeline.services.starting import Order, start_run
from pipeline.services.working import perform
from pipeline.toolbox import Toolbox
from storage import cards, operators, posts, ringing, runs, slots, sources
from storage.aftermath import LostTime
from storage.backup import back_up
from storage.backup_file import opened
from storage.database import Database
from storage.records import Actor, Engine, PostStatus, Run, RunState
from storage.restore import Restored, restore
from tests.fakes import FakeCouriers
from tests.support import NOON, make_posts, make_spec, make_tools, open_bot

ANNA = Actor(7, "Anna")
READERS = range(1, 13)
DAILY = "0 13 * * *"


@dataclass
class Desk:
    """A public bot with readers, worked for by whoever asks; the clock is the test's."""

    database: Database
    folder: Path
    now: datetime = NOON
    couriers: FakeCouriers = field(default_factory=FakeCouriers)

    @property
    def tools(self) -> Toolbox:
        limiter = LocalLimiter(1_000_000, lambda: self.now.timestamp())
        return make_tools(self.database, couriers=self.couriers, now=lambda: self.now, limiter=limiter)

    async def open(self, **changes: Any) -> int:
        return await open_bot(self.database, make_posts(4), READERS, make_spec(**changes))

    async def publish(self, *numbers: int) -> None:
        """New posts come in, published a minute ago."""
        incoming = make_posts(len(numbers), start=numbers[0])
        dated = [type(one)(one.external_id, self.now - timedelta(minutes=1), one.text) for one in incoming]
        async with self.database.write() as session:
            source = await sources.ensure_file_source(session, "wire", title="The Wire", now=self.now)
            await posts.store(session, source.id, dated, self.now)

    async def start(self, period: str | None = None) -> Run:
        return (await start_run(self.tools, Order("city", period=period))).run

    async def do(self, steps: int = 1000) -> None:
        """So many pieces of work, one after another; where nothing is due the clock goes on a little."""
        idle = 0
        while steps and idle < 5:
            async with self.database.read() as session:
                due = await ringing.due(session, Engine.CELERY, self.now, 1)
            idle = 0 if due else idle + 1
            if not due:
                self.now += timedelta(seconds=10)
                continue
            await perform(self.tools, due[0].kind, due[0].work_id)
            steps -= 1

    def back_up(self) -> datetime:
        back_up(self.database.url, self.folder / "all.zip", self.now)
        return self.now

    async def restore(self, until: datetime | None = None) -> Restored:
        with opened(self.folder / "all.zip") as backup:
            taken_at = backup.about.taken_at
            until = until or self.now
            lost = LostTime(taken_at, until, 24) if until > taken_at else None
            return restore(self.database.url, backup, lost, self.now, lambda owner: True)

    async def everything(self) -> list[Run]:
        async with self.database.read() as session:
            return list(reversed(await runs.recent(session, set(RunState), 1000)))

    def got(self) -> Counter[tuple[int, int]]:
        """How often each reader got each post."""
        return Counter(
            (carried.chat_id, int(number))
            for carried in self.couriers.delivered
            for number in set(re.findall(r"story (\d+)", carried.text))
        )


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bite, "SHORT_WAIT_S", 0.0)


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    return Desk(database, tmp_path)


@pytest.fixture
def any_desk(any_database: Database, tmp_path: Path) -> Desk:
    return Desk(any_database, tmp_path)


@pytest.mark.parametrize(
    "steps", [1, 4, 5, *(pytest.param(steps, marks=pytest.mark.slow) for steps in (0, 2, 3, 6, 7))]
)
async def test_wherever_a_run_was_when_the_backup_was_taken_no_reader_gets_a_post_twice(desk: Desk, steps: int) -> None:
    await desk.open()
    await desk.start("24h")
    await desk.do(steps)
    desk.back_up()
    await desk.do()
    assert {chat_id for chat_id, _ in desk.got()} == set(READERS)
    desk.now += timedelta(hours=1)
    await desk.restore()
    await desk.do()
    desk.now += timedelta(hours=1)
    await desk.start("24h")
    await desk.do()
    await desk.start()
    await desk.do()
    assert max(desk.got().values()) == 1
    assert all(run.state.has_ended for run in await desk.everything())


async def test_messages_that_waited_are_in_doubt_and_sent_when_an_operator_says_so(any_desk: Desk) -> None:
    desk = any_desk
    await desk.open()
    run = await desk.start("24h")
    while (await load_progress(desk.tools, run.id)).delivery is None:
        await desk.do(1)
    desk.back_up()
    desk.now += timedelta(minutes=10)
    restored = await desk.restore()
    assert restored.doubts.messages == len(READERS)
    async with desk.database.read() as session:
        faults = await operators.untold(session)
    assert [fault.message_id for fault in faults] == ["installation.restored", "installation.messages_in_doubt"]
    assert faults[1].params == {"messages": len(READERS)}
    await desk.do()
    ended = await load_progress(desk.tools, run.id)
    assert (ended.run.state, ended.delivery and ended.delivery.uncertain) == (RunState.DONE, len(READERS))
    assert desk.couriers.attempts == []
    assert await resend_uncertain(desk.tools, run.id, ANNA) == len(READERS)
    await desk.do()
    assert {chat_id for chat_id, _ in desk.got()} == set(READERS)


async def test_a_long_digest_is_resent_in_the_order_of_its_parts(any_desk: Desk) -> None:
    """After a restore all parts of all readers are in doubt at once."""
    desk = any_desk
    incoming = [replace(post, text=post.text + " It rained." * 200) for post in make_posts(12)]
    await open_bot(desk.database, incoming, range(1, 4), make_spec(max_posts_per_digest=12))
    run = await desk.start("24h")
    while (await load_progress(desk.tools, run.id)).delivery is None:
        await desk.do(1)
    desk.back_up()
    restored = await desk.restore(desk.now + timedelta(seconds=1))
    assert restored.doubts.messages > 3
    await desk.do()
    assert await resend_uncertain(desk.tools, run.id, ANNA) == 3
    await desk.do()
    for chat_id in (1, 2, 3):
        footers = [one.text.rsplit("\n", 1)[-1] for one in desk.couriers.delivered if one.chat_id == chat_id]
        assert footers == [f"{n}/{len(footers)}" for n in range(1, len(footers) + 1)]
        assert len(footers) == restored.doubts.messages / 3


async def test_a_digest_that_was_forgotten_is_not_given_again_and_new_posts_are(desk: Desk) -> None:
    await desk.open()
    desk.back_up()
    await desk.start()
    await desk.do()
    desk.now += timedelta(hours=1)
    await desk.restore()
    await desk.publish(1, 2, 3, 4)  # the same posts, brought in again from their files
    desk.now += timedelta(minutes=30)
    await desk.publish(50)
    for period in (None, "24h"):
        await desk.start(period)
        await desk.do()
    assert max(desk.got().values()) == 1
    assert {number for _, number in desk.got()} == {1, 2, 3, 4, 50}
    assert [run.notice for run in await desk.everything()] == ["lost_time", None, "held_back"]


async def test_a_time_of_the_schedule_that_passed_since_is_not_made_again_and_the_next_one_is(any_desk: Desk) -> None:
    desk = any_desk
    await desk.open(schedule=DAILY)
    desk.back_up()
    desk.now = datetime(2026, 11, 3, 13, 0, tzinfo=UTC)
    await start_due_runs(desk.tools)
    await desk.do()
    assert {chat_id for chat_id, _ in desk.got()} == set(READERS)
    desk.now = datetime(2026, 11, 3, 15, 0, tzinfo=UTC)
    await desk.restore()
    desk.now += timedelta(minutes=30)
    await desk.publish(50)
    await start_due_runs(desk.tools)
    await desk.do()
    assert max(desk.got().values()) == 1
    assert {number for _, number in desk.got()} == {1, 2, 3, 4}
    desk.now = datetime(2026, 11, 4, 13, 0, tzinfo=UTC)
    await start_due_runs(desk.tools)
    await desk.do()
    assert max(desk.got().values()) == 1
    assert {number for _, number in desk.got()} == {1, 2, 3, 4, 50}


async def test_a_time_still_to_come_is_kept_although_its_run_had_begun(desk: Desk) -> None:
    """A scheduled run starts some minutes early; the backup fell into these."""
    bot_id = await desk.open(schedule=DAILY)
    desk.now = datetime(2026, 11, 3, 12, 55, tzinfo=UTC)
    await start_due_runs(desk.tools)
    desk.back_up()
    desk.now += timedelta(minutes=1)
    await desk.restore()
    await desk.publish(60)
    await start_due_runs(desk.tools)
    assert [(run.state, run.origin) for run in await desk.everything()] == [
        (RunState.CANCELLED, "schedule"), (RunState.CANCELLED, "restore"), (RunState.QUEUED, "schedule"),
    ]  # fmt: skip
    async with desk.database.read() as session:
        (bot,) = await slots.scheduled(session)
    assert (bot.public_bot_id, bot.last) == (bot_id, datetime(2026, 11, 3, 13, tzinfo=UTC))


async def test_an_operator_can_have_the_lost_time_given_all_the_same(any_desk: Desk) -> None:
    desk = any_desk
    await desk.open()
    desk.back_up()
    desk.now += timedelta(minutes=30)
    restored = await desk.restore()
    run_id = restored.doubts.again["city"]
    await desk.start("24h")
    await desk.do()
    assert desk.got() == {}
    again = await retry_run(desk.tools, run_id, ANNA, chat_id=7, message_id=1, language="en")
    await desk.do()
    assert {number for _, number in desk.got()} == {1, 2, 3, 4}
    progress = await load_progress(desk.tools, again.run.id)
    assert progress.count(PostStatus.SUMMARIZED) == 4
    await desk.start("24h")
    await desk.do()
    assert max(desk.got().values()) == 1


@pytest.mark.parametrize("which", ["the run itself", "the run of the lost time"])
async def test_an_operator_can_have_a_run_given_that_a_restore_ended(any_desk: Desk, which: str) -> None:
    """A draft of three days, of which the lost time and the bot's usual window know nothing."""
    desk = any_desk
    await desk.open(approval=True)
    desk.now += timedelta(days=2)
    run = await desk.start("3d")
    await desk.do()
    assert (await load_progress(desk.tools, run.id)).run.state is RunState.AWAITING_APPROVAL
    desk.back_up()
    desk.now += timedelta(minutes=30)
    restored = await desk.restore()
    by_itself = await desk.start("3d")
    await desk.do()
    held = (await load_progress(desk.tools, by_itself.id)).run
    assert (held.state, held.notice) == (RunState.DONE, "held_back")
    wanted = run.id if which == "the run itself" else restored.doubts.again["city"]
    again = await retry_run(desk.tools, wanted, ANNA, chat_id=7, message_id=1, language="en")
    await desk.do()
    anew = await regenerate(desk.tools, again.run.id, ANNA)
    assert anew is not None
    await desk.do()
    assert await publish(desk.tools, anew.id, ANNA)
    await desk.do()
    assert {number for _, number in desk.got()} == {1, 2, 3, 4}
    assert max(desk.got().values()) == 1


async def test_asking_for_the_same_period_is_no_word_to_give_what_a_restore_ended(desk: Desk) -> None:
    await desk.open()
    desk.now += timedelta(days=1)
    await desk.start("2026-11-02..2026-11-03")
    await desk.do(3)
    desk.back_up()
    await desk.do()
    desk.now += timedelta(minutes=30)
    await desk.restore()
    await desk.start("2026-11-02..2026-11-03")
    await desk.do()
    assert len(desk.got()) == 4 * len(READERS)
    assert max(desk.got().values()) == 1


async def test_where_nothing_was_sent_since_everything_goes_on(desk: Desk) -> None:
    await desk.open()
    run = await desk.start("24h")
    await desk.do(3)
    taken_at = desk.back_up()
    desk.now += timedelta(hours=1)
    restored = await desk.restore(until=taken_at)
    assert (restored.doubts.messages, restored.doubts.runs, dict(restored.doubts.again)) == (0, 0, {})
    await desk.do()
    assert (await load_progress(desk.tools, run.id)).run.state is RunState.DONE
    assert {chat_id for chat_id, _ in desk.got()} == set(READERS)


async def test_operators_are_told_and_their_chats_get_no_digest_twice(any_desk: Desk) -> None:
    desk = any_desk
    await desk.open()
    run = await desk.start("24h")
    async with desk.database.write() as session:
        await cards.ensure(session, run.id, ANNA.id or 0, "en", desk.now)
    await desk.do(3)
    desk.back_up()
    desk.now += timedelta(hours=1)
    restored = await desk.restore()
    async with desk.database.read() as session:
        (fault,) = await operators.untold(session)
        (card,) = await cards.unannounced(session)
    assert fault.message_id == "installation.restored"
    assert f"/retry {restored.doubts.again['city']} (city)" in str(fault.params["again"])
    assert card.parts_sent > 100
    ended = await load_progress(desk.tools, run.id)
    assert (ended.run.state, ended.run.notice) == (RunState.CANCELLED, "restored")


async def test_numbers_of_forgotten_runs_are_not_given_to_others(desk: Desk) -> None:
    """Their buttons are still in the operators' chats."""
    await desk.open()
    desk.back_up()
    forgotten = [await desk.start("24h")]
    await desk.do()
    desk.now += timedelta(hours=1)
    await desk.restore()
    new = await desk.start("24h")
    assert new.id > forgotten[0].id + 100
