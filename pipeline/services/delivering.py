"""`deliver_digest`: who is to get a digest, and then the digest to them, in lanes that work side by side."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import timedelta

from pipeline.errors import ForPeople
from pipeline.lazy_aiogram import import_aiogram
from pipeline.services.advancing import advance, ring_or_leave_it
from pipeline.services.bite import Bite, Rest, Sender
from pipeline.services.claiming import holding
from pipeline.stages.delivery import lanes
from pipeline.stages.topics import without
from pipeline.toolbox import Toolbox
from storage import claimable, deliveries, digests, operators, public_bots, ringing, runs, subscribers, work
from storage.records import Digest, PublicBot, Work, WorkKind
from texts import Texts

LOOK_AGAIN_AFTER = timedelta(seconds=30)


async def deliver(tools: Toolbox, work_id: int) -> bool:
    """Begin a delivery, or deliver a bite of one lane. False: there was nothing to claim."""
    await asyncio.to_thread(import_aiogram)  # a second: not on the loop
    async with holding(tools, work_id) as claimed:
        if claimed is None:
            return False
        await (_begin(tools, claimed) if claimed.lane is None else _go_on(tools, claimed, claimed.lane))
    await advance(tools, claimed.run_id)
    return True


async def free_lanes(tools: Toolbox, digest_id: int) -> list[int]:
    """The work of this digest's delivery that waits, in any order: so that two who come at once try different ones."""
    async with tools.database.read() as session:
        found = list(await work.free_lanes(session, digest_id, tools.now()))
    random.shuffle(found)
    return found


async def _begin(tools: Toolbox, claimed: Work) -> None:
    """Freeze the recipients. From here on the digest's posts count as given."""
    digest, bot = await _load(tools, claimed)
    if bot.is_paused:
        await _give_back(tools, claimed, Rest(tools.now() + LOOK_AGAIN_AFTER))
        return
    async with tools.database.read() as session:
        readers = (await subscribers.count_active(session, [bot.id]))[bot.id]
    number, now = lanes(readers, tools.settings.delivery.messages_per_second), tools.now()
    async with tools.database.write() as session:
        await runs.hold(session, claimed.run_id)
        await work.finish(session, claimed)
        await deliveries.freeze(session, digest.id, bot.id, number, _parts_of(digest), now)
        for lane in sorted(await deliveries.lanes_with_work(session, digest.id)):
            await work.add(session, claimed.run_id, WorkKind.DELIVER, [()], now, lane=lane)
        await digests.mark_given(session, digest, bot.id, now)
        await runs.touch(session, claimed.run_id)
        rings = await ringing.to_ring(session, claimed.run_id, now)
    await ring_or_leave_it(tools, rings)


async def _go_on(tools: Toolbox, claimed: Work, lane: int) -> None:
    """Send for a few seconds, then give the lane back, so that other work has its turn."""
    digest, bot = await _load(tools, claimed)
    sender = await _sender(tools, bot, claimed)
    if sender is None:
        await _give_back(tools, claimed, Rest(tools.now() + LOOK_AGAIN_AFTER))
        return
    rest = await Bite(tools, claimed, lane, digest, sender).run()
    await _give_back(tools, claimed, rest)


async def _sender(tools: Toolbox, bot: PublicBot, claimed: Work) -> Sender | None:
    """Who sends in the public bot's name; where nobody can for now, operators are told why."""
    async with tools.database.read() as session:
        token = await public_bots.token(session, bot.id)
    try:
        if token is None:
            raise ForPeople("bots.token_missing")
        return Sender(bot.id, token, await tools.couriers.of(bot.id, token))
    except ForPeople as error:
        async with tools.database.write() as session:
            await operators.report(
                session, error.message_id, tools.now(), public_bot_id=bot.id, run_id=claimed.run_id, params=error.params
            )
        return None


async def _give_back(tools: Toolbox, claimed: Work, rest: Rest | None) -> None:
    """The lane is done, or goes on after its rest. A rest without trouble forgets the troubles before it."""
    now = tools.now()
    async with tools.database.write() as session:
        await runs.hold(session, claimed.run_id)
        if rest is None:
            await work.finish(session, claimed)
        else:
            retries = 1 if rest.is_trouble else -claimed.retries
            until = min(rest.until, now + claimable.LONGEST_REST)
            await work.put_off(session, claimed, until, reason=rest.why, retries=retries)
        await runs.touch(session, claimed.run_id)
        rings = await ringing.to_ring(session, claimed.run_id, now)
    await ring_or_leave_it(tools, rings)


async def _load(tools: Toolbox, claimed: Work) -> tuple[Digest, PublicBot]:
    async with tools.database.read() as session:
        run = await runs.get(session, claimed.run_id)
        digest = await digests.of_run(session, run.id)
        bot = await public_bots.by_id(session, run.public_bot_id)
    assert digest is not None, f"run {run.id} delivers without a digest"
    assert bot is not None
    return digest, bot


def _parts_of(digest: Digest) -> Callable[[tuple[str, ...]], int]:
    """How many messages the digest is for readers who left out these categories; nothing is sent of an empty one."""
    from pipeline.stages.rendering import render_digest

    known: dict[tuple[str, ...], int] = {}

    def parts_of(left_out: tuple[str, ...]) -> int:
        if left_out not in known:
            shown = without(digest, left_out)
            has_nothing_left = bool(digest.items) and not shown.items
            known[left_out] = 0 if has_nothing_left else len(render_digest(shown, Texts(digest.language)))
        return known[left_out]

    return parts_of
