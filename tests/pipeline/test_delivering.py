"""A finished digest goes to its readers: each at most once, in order, at their pace, whatever Telegram answers."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from pipeline.adapters.limiter import LocalLimiter
from pipeline.errors import (
    ForPeople,
    MessageRefused,
    Migrated,
    Retryable,
    TokenRefused,
    Uncertain,
    Unreachable,
)
from pipeline.services import bite
from pipeline.services.following import load_progress
from pipeline.services.publishing import pause_delivery, resend_uncertain, resume_delivery
from pipeline.services.recovering import STAYS_UNRENEWED
from pipeline.services.starting import Order, cancel_run, start_run
from pipeline.services.ticking import tick
from pipeline.services.working import perform
from pipeline.stages.delivery import WAVE
from pipeline.toolbox import Toolbox
from storage import doubts, operators, public_bots, ringing, subscribers
from storage.database import Database
from storage.records import (
    Actor,
    DeliveryProgress,
    Engine,
    RunProgress,
    RunState,
    SubscriberState,
    Unreached,
    WorkKind,
)
from storage.work import LEASE
from tests.fakes import Carried, FakeCouriers
from tests.support import NOON, FakeDoorbell, make_posts, make_spec, make_tools, open_bot

ANNA = Actor(7, "Anna")


@dataclass
class Clock:
    """Stands still until a test moves it."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Desk:
    """A public bot with readers, and a worker whose clock goes on to the next thing that is due."""

    database: Database
    couriers: FakeCouriers = field(default_factory=FakeCouriers)
    clock: Clock = field(default_factory=Clock)
    bot_id: int = 0
    run_id: int = 0

    def __post_init__(self) -> None:
        self._limiter = LocalLimiter(1_000_000, lambda: self.clock.now.timestamp())

    @property
    def tools(self) -> Toolbox:
        return make_tools(self.database, couriers=self.couriers, now=self.clock, limiter=self._limiter)

    async def start(self, readers: Sequence[int], *, posts: int = 4, text: str = "", **changes: Any) -> None:
        incoming = make_posts(posts)
        if text:
            incoming = [replace(post, text=post.text + text) for post in incoming]
        self.bot_id = await open_bot(self.database, incoming, readers, make_spec(**changes))
        started = await start_run(self.tools, Order("city", period="24h"))
        self.run_id = started.run.id

    async def due(self) -> list[tuple[WorkKind, int]]:
        async with self.database.read() as session:
            rings = await ringing.due(session, Engine.CELERY, self.clock.now, 100)
        return [(ring.kind, ring.work_id) for ring in rings]

    async def work(self, *, for_s: float = 3600) -> RunProgress:
        """Do what is due, and where nothing is, let the clock go on; until the run has ended or so long."""
        tools, ends_at = self.tools, self.clock.now + timedelta(seconds=for_s)
        while self.clock.now < ends_at:
            due = await self.due()
            for kind, work_id in due:
                await perform(tools, kind, work_id)
            progress = await self.progress()
            if progress.run.state.has_ended:
                return progress
            if not due:
                self.clock.wait(1)
        return await self.progress()

    async def lease_runs_out(self) -> None:
        """Time passes in which whoever holds a claim does not renew it, and is found out."""
        tools = self.tools
        for wait_s in (LEASE.total_seconds() + 1, STAYS_UNRENEWED.total_seconds()):
            self.clock.wait(wait_s)
            await tick(tools, [])

    async def to_delivery(self) -> None:
        """Until the recipients are frozen."""
        tools = self.tools
        while (await self.progress()).delivery is None:
            for kind, work_id in await self.due():
                await perform(tools, kind, work_id)

    async def progress(self) -> RunProgress:
        return await load_progress(self.tools, self.run_id)

    def got(self) -> Counter[int]:
        return Counter(carried.chat_id for carried in self.couriers.delivered)


@pytest.fixture
def desk(any_database: Database, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(bite, "SHORT_WAIT_S", 0.0)  # this clock does not move while somebody sleeps
    return Desk(any_database)


async def test_every_reader_gets_it_once_and_the_run_is_done(desk: Desk) -> None:
    await desk.start(range(1, 26))
    ended = await desk.work()
    assert ended.run.state is RunState.DONE
    assert ended.delivery == DeliveryProgress(delivered=25, reasons={})
    assert desk.got() == dict.fromkeys(range(1, 26), 1)


async def test_without_readers_the_run_ends_and_its_posts_count_as_given(desk: Desk) -> None:
    await desk.start(())
    ended = await desk.work()
    assert (ended.run.state, ended.delivery) == (RunState.DONE, None)
    again = await start_run(desk.tools, Order("city", period="24h"))
    desk.run_id = again.run.id
    assert (await desk.work()).posts.keys() == {"given_before"}


async def test_who_comes_after_the_delivery_has_begun_is_not_among_its_readers(desk: Desk) -> None:
    await desk.start((1, 2))
    await desk.to_delivery()
    async with desk.database.write() as session:
        await subscribers.subscribe(session, desk.bot_id, 3, "en", NOON)
    await desk.work()
    assert set(desk.got()) == {1, 2}


async def test_stop_counts_until_the_very_message_is_taken(desk: Desk) -> None:
    await desk.start((1, 2))
    await desk.to_delivery()
    async with desk.database.write() as session:
        await subscribers.stop(session, desk.bot_id, 2, NOON)
    ended = await desk.work()
    assert set(desk.got()) == {1}
    assert ended.delivery == DeliveryProgress(delivered=1, failed=1, reasons={"stopped": 1})


async def test_parts_stay_in_order_and_a_second_apart(desk: Desk) -> None:
    sent_at: list[tuple[datetime, Carried]] = []

    def note(carried: Carried) -> None:
        sent_at.append((desk.clock.now, carried))

    desk.couriers.trouble = note
    await desk.start((1, -5), posts=10, text=" long" * 200)
    ended = await desk.work()
    assert ended.delivery == DeliveryProgress(delivered=2, reasons={})
    for chat_id, interval_s in ((1, 1.0), (-5, 3.0)):
        mine = [(at, carried.text.rsplit("\n", 1)[-1]) for at, carried in sent_at if carried.chat_id == chat_id]
        assert [footer for _, footer in mine] == [f"{n}/{len(mine)}" for n in range(1, len(mine) + 1)]
        assert len(mine) >= 3
        gaps = [(later - earlier).total_seconds() for (earlier, _), (later, _) in pairwise(mine)]
        assert min(gaps) >= interval_s


async def test_a_reader_who_left_out_a_topic_gets_the_rest_and_who_left_out_all_gets_nothing(desk: Desk) -> None:
    desk.bot_id = await open_bot(
        desk.database, [*make_posts(2), *make_posts(2, word="Parks", start=50)], (1, 2, 3), make_spec()
    )
    async with desk.database.write() as session:
        for chat_id, left_out in ((2, ["Parks"]), (3, ["Parks", "Transport"])):
            reader = await subscribers.by_chat(session, desk.bot_id, chat_id)
            assert reader is not None
            await subscribers.set_left_out(session, reader.id, left_out)
    desk.run_id = (await start_run(desk.tools, Order("city", period="24h"))).run.id
    await desk.work()
    texts = {carried.chat_id: carried.text for carried in desk.couriers.delivered}
    assert texts.keys() == {1, 2}
    assert "Parks" in texts[1]
    assert "Parks" not in texts[2]
    assert "Transport" in texts[2]


@pytest.mark.parametrize(
    ("why", "said"),
    [
        (Unreached.BLOCKED, "Forbidden: bot was blocked by the user"),
        (Unreached.NOT_FOUND, "Bad Request: chat not found"),
    ],
)
async def test_who_cannot_be_reached_is_retired_and_kept(desk: Desk, why: Unreached, said: str) -> None:
    desk.couriers.trouble = lambda carried: Unreachable(said, why) if carried.chat_id == 2 else None
    await desk.start((1, 2, 3))
    ended = await desk.work()
    assert ended.delivery == DeliveryProgress(delivered=2, failed=1, reasons={why: 1})
    async with desk.database.read() as session:
        reader = await subscribers.by_chat(session, desk.bot_id, 2)
    assert reader is not None
    assert (reader.state, reader.reason) == (SubscriberState.RETIRED, why)


async def test_a_group_that_became_a_supergroup_gets_it_under_its_new_id(desk: Desk) -> None:
    desk.couriers.trouble = lambda carried: Migrated(-1001) if carried.chat_id == -5 else None
    await desk.start((-5,))
    ended = await desk.work()
    assert ended.delivery == DeliveryProgress(delivered=1, reasons={})
    assert desk.got() == {-1001: 1}
    async with desk.database.read() as session:
        assert await subscribers.by_chat(session, desk.bot_id, -5) is None


async def test_what_certainly_did_not_arrive_is_sent_again(desk: Desk) -> None:
    refused = 2

    def refuse(carried: Carried) -> Exception | None:
        nonlocal refused
        refused -= 1
        return Retryable("Telegram cannot be reached") if refused >= 0 else None

    desk.couriers.trouble = refuse
    await desk.start((1, 2))
    ended = await desk.work()
    assert ended.delivery == DeliveryProgress(delivered=2, reasons={})
    assert desk.got() == {1: 1, 2: 1}


async def test_what_may_have_arrived_is_not_sent_again_until_an_operator_says_so(desk: Desk) -> None:
    desk.couriers.trouble = lambda carried: Uncertain("the connection broke") if carried.chat_id == 2 else None
    await desk.start((1, 2, 3))
    ended = await desk.work()
    assert ended.run.state is RunState.DONE
    assert ended.delivery == DeliveryProgress(delivered=2, uncertain=1, reasons={})
    async with desk.database.read() as session:
        assert [doubt.chat_id for doubt in await doubts.listed(session, desk.run_id, 10)] == [2]
    desk.couriers.trouble = lambda carried: None
    assert await resend_uncertain(desk.tools, desk.run_id, ANNA) == 1
    assert (await desk.progress()).run.state is RunState.DELIVERING
    assert await resend_uncertain(desk.tools, desk.run_id, ANNA) == 0
    ended = await desk.work()
    assert ended.delivery == DeliveryProgress(delivered=3, reasons={})
    assert desk.got() == {1: 1, 2: 1, 3: 1}


async def test_resending_waits_for_another_digest_of_the_same_bot(desk: Desk) -> None:
    desk.couriers.trouble = lambda carried: Uncertain("the connection broke")
    await desk.start((1,))
    await desk.work()
    await start_run(desk.tools, Order("city", period="48h"))
    with pytest.raises(ForPeople, match="another_run_goes_on"):
        await resend_uncertain(desk.tools, desk.run_id, ANNA)


async def test_a_broken_telegram_is_waited_out_instead_of_doubting_everybody(desk: Desk) -> None:
    """Bad gateways for two minutes: without a rest, every reader would be uncertain."""
    ends_at = NOON + timedelta(minutes=2)
    desk.couriers.trouble = lambda carried: Uncertain("bad gateway") if desk.clock.now < ends_at else None
    await desk.start(range(1, 201))
    ended = await desk.work()
    assert ended.delivery is not None
    assert ended.delivery.uncertain + ended.delivery.delivered == 200
    assert ended.delivery.uncertain <= 40


async def test_the_whole_bot_waits_as_long_as_telegram_says(desk: Desk) -> None:
    told_at: list[datetime] = []
    calls: list[datetime] = []

    def flood(carried: Carried) -> Exception | None:
        calls.append(desk.clock.now)
        if not told_at and len(calls) > 5:
            told_at.append(desk.clock.now)
            return Retryable("Telegram asks to wait", after_s=40.0)
        return None

    desk.couriers.trouble = flood
    await desk.start(range(1, 41))
    ended = await desk.work()
    assert ended.delivery == DeliveryProgress(delivered=40, reasons={})
    after = [at for at in calls[calls.index(told_at[0]) :] if at > told_at[0]]
    assert min(after) >= told_at[0] + timedelta(seconds=40)
    assert sum(at == told_at[0] for at in calls) <= 5 + WAVE, "no more than was on its way"


async def test_a_message_that_telegram_refuses_stops_the_delivery_at_once_and_frees_its_posts(desk: Desk) -> None:
    desk.couriers.trouble = lambda carried: MessageRefused("Bad Request: can't parse entities")
    await desk.start(range(1, 101))
    ended = await desk.work()
    assert ended.run.state is RunState.FAILED
    assert ended.run.failure is not None
    assert ended.run.failure.message_id == "delivery.message_refused"
    assert "can't parse" in str(ended.run.failure.params["reason"])
    assert len(desk.couriers.attempts) <= 9
    assert ended.delivery == DeliveryProgress(failed=100, reasons={"halted": 100})
    desk.couriers.trouble = lambda carried: None
    desk.run_id = (await start_run(desk.tools, Order("city", period="24h"))).run.id
    assert (await desk.work()).delivery == DeliveryProgress(delivered=100, reasons={})


async def test_what_telegram_says_to_everybody_is_about_the_message(desk: Desk) -> None:
    desk.couriers.trouble = lambda carried: Unreachable("Bad Request: some new refusal", Unreached.REFUSED)
    await desk.start(range(1, 101))
    ended = await desk.work()
    assert ended.run.state is RunState.FAILED
    assert len(desk.couriers.attempts) <= 18


async def test_one_strange_refusal_concerns_one_reader(desk: Desk) -> None:
    desk.couriers.trouble = lambda carried: (
        Unreachable("Bad Request: TOPIC_CLOSED", Unreached.REFUSED) if carried.chat_id == 3 else None
    )
    await desk.start(range(1, 11))
    ended = await desk.work()
    assert ended.run.state is RunState.DONE
    assert ended.delivery == DeliveryProgress(delivered=9, failed=1, reasons={"refused": 1})


async def test_a_revoked_token_makes_the_delivery_wait_and_tells_the_operators(desk: Desk) -> None:
    desk.couriers.trouble = lambda carried: TokenRefused("Unauthorized")
    await desk.start((1, 2))
    waiting = await desk.work(for_s=30)
    assert waiting.run.state is RunState.DELIVERING
    assert len(desk.couriers.attempts) <= 4
    async with desk.database.write() as session:
        faults = await operators.untold(session)
        await public_bots.apply(session, make_spec(token_env="CITY_TOKEN"), "sealed anew", desk.clock.now)
    assert [(fault.message_id, fault.public_bot_id) for fault in faults] == [("bots.token_refused", desk.bot_id)]
    desk.couriers.trouble = lambda carried: None
    assert (await desk.work()).delivery == DeliveryProgress(delivered=2, reasons={})


async def test_a_lost_key_makes_the_delivery_wait_and_tells_the_operators(desk: Desk) -> None:
    desk.couriers.refuses_token = ForPeople("bots.secret_key_lost")
    await desk.start((1, 2))
    assert (await desk.work(for_s=90)).run.state is RunState.DELIVERING
    async with desk.database.read() as session:
        assert [fault.message_id for fault in await operators.untold(session)] == ["bots.secret_key_lost"]
    desk.couriers.refuses_token = None
    assert (await desk.work()).delivery == DeliveryProgress(delivered=2, reasons={})


async def test_pause_and_resume(desk: Desk) -> None:
    await desk.start(range(1, 61))
    await desk.to_delivery()
    assert await pause_delivery(desk.tools, desk.run_id, ANNA)
    assert not await pause_delivery(desk.tools, desk.run_id, ANNA)
    await desk.work(for_s=20)
    assert not desk.couriers.attempts
    assert await resume_delivery(desk.tools, desk.run_id, ANNA)
    ended = await desk.work()
    assert ended.delivery == DeliveryProgress(delivered=60, reasons={})
    assert [action.kind for action in ended.actions] == ["start", "pause_delivery", "resume_delivery"]


async def test_cancel_in_the_middle_sends_nothing_more_and_keeps_what_is_known(desk: Desk) -> None:
    await desk.start(range(1, 61))
    cancelled = asyncio.Event()

    async def cancel() -> None:
        await cancel_run(desk.tools, desk.run_id, ANNA)
        cancelled.set()

    def watch(carried: Carried) -> None:
        if len(desk.couriers.attempts) >= 10 and not tasks:
            tasks.append(asyncio.create_task(cancel()))

    tasks: list[asyncio.Task[None]] = []
    desk.couriers.trouble = watch
    desk.couriers.latency_s = 0.02
    ended = await desk.work()
    assert ended.run.state is RunState.CANCELLED
    await asyncio.gather(*tasks)
    assert ended.delivery is not None
    progress = (await desk.progress()).delivery
    assert progress is not None
    assert progress.delivered == len(desk.couriers.delivered) < 60
    assert (progress.waiting, progress.uncertain) == (0, 0)
    assert progress.reasons == {"cancelled": 60 - progress.delivered}


async def test_what_a_killed_worker_had_on_its_way_is_in_doubt_and_the_rest_arrives(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker dies between Telegram's answer and the commit."""

    class Killed(BaseException):
        """Nothing catches it, as nothing survives kill -9."""

    async def die(self: bite.Bite, called: object) -> None:
        raise Killed

    await desk.start(range(1, 31))
    await desk.to_delivery()
    with monkeypatch.context() as patch:
        patch.setattr(bite.Bite, "_save_whatever_happens", die)
        kind, work_id = next(one for one in await desk.due() if one[0] is WorkKind.DELIVER)
        with pytest.raises(Killed):
            await perform(desk.tools, kind, work_id)
    arrived = desk.got()
    assert 1 <= len(arrived) <= WAVE
    await desk.lease_runs_out()
    ended = await desk.work()
    assert ended.run.state is RunState.DONE
    assert ended.delivery == DeliveryProgress(delivered=30 - len(arrived), uncertain=len(arrived), reasons={})
    assert max(desk.got().values()) == 1


async def test_a_worker_that_wakes_up_late_does_not_send_what_another_has_taken_over(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGSTOP after the wave was marked, and SIGCONT when the lane is somebody else's."""
    await desk.start((1,))
    await desk.to_delivery()
    stopped, wake = asyncio.Event(), asyncio.Event()

    async def stand_still(self: bite.Bite) -> float:
        if not stopped.is_set():
            stopped.set()
            await wake.wait()
        return 0.0

    monkeypatch.setattr(bite.Bite, "_pause_left_s", stand_still)
    (_, work_id), *_ = [one for one in await desk.due() if one[0] is WorkKind.DELIVER]
    late = asyncio.create_task(perform(desk.tools, WorkKind.DELIVER, work_id))
    await stopped.wait()
    await desk.lease_runs_out()
    ended = await desk.work()
    assert ended.delivery == DeliveryProgress(uncertain=1, reasons={})
    wake.set()
    await late
    assert desk.got() == {1: 1}
    assert (await desk.progress()).delivery == DeliveryProgress(delivered=1, reasons={}), "a late fact ends the doubt"


async def test_many_workers_at_once_deliver_each_message_once(desk: Desk) -> None:
    await desk.start(range(1, 101))
    await desk.to_delivery()
    desk.couriers.latency_s = 0.002

    async def one_worker() -> None:
        tools = desk.tools
        while due := [one for one in await desk.due() if one[0] is WorkKind.DELIVER]:
            for kind, work_id in due:
                await perform(tools, kind, work_id)

    await asyncio.gather(*(one_worker() for _ in range(5)))
    ended = await desk.work()
    assert ended.delivery == DeliveryProgress(delivered=100, reasons={})
    assert desk.got() == dict.fromkeys(range(1, 101), 1)


async def test_the_doorbell_is_told_the_digest(desk: Desk) -> None:
    await desk.start((1,))
    doorbell = FakeDoorbell()
    tools = make_tools(desk.database, couriers=desk.couriers, now=desk.clock, doorbell=doorbell)
    while (await desk.progress()).delivery is None:
        for kind, work_id in await desk.due():
            await perform(tools, kind, work_id)
    rung = [ring for ring in doorbell.rings if ring.kind is WorkKind.DELIVER]
    assert rung
    assert all(ring.digest_id is not None for ring in rung)
