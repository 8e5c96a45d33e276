"""What a process asks of the database while nobody wants anything of it: its background jobs, each counted alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import cast
from unittest.mock import patch

from pipeline import pulse
from pipeline.adapters.courier import BotCourier
from pipeline.pulse import Pulse
from pipeline.services.starting import Order, start_run
from pipeline.services.working import perform
from pipeline.toolbox import Toolbox
from pipeline.wiring import make_worker_record
from storage import work
from storage.database import Database
from storage.records import WorkKind
from telegram_bot.app import make_pool
from telegram_bot.herald import Herald
from telegram_bot.offers import Offers
from telegram_bot.progress import Board
from tests.counting.statements import Count, counting
from tests.support import make_posts, make_spec, make_tools, open_desk

NAMES = {
    "Pulse._beat": "beat",
    "Pulse._tidy": "tidy",
    "Pulse._renew": "renew",
    "Pulse._tick": "tick",
    "Pulse._live": "live",
    "Pulse._look_for_other_machines": "look for other machines",
    "SchemaWatch.look": "look for another schema",
    "Neighbourhood.look": "look for another installation",
}
SOME_WORK = 1

Job = Callable[[], Awaitable[None]]


class SilentCourier:
    """Shows cards to nobody."""

    async def send(self, chat_id: int, **message: object) -> int:
        return 1

    async def edit(self, chat_id: int, message_id: int, **message: object) -> None:
        """Nobody sees it."""


async def count_worker(database: Database, slug: str) -> Mapping[str, Count]:
    """The jobs of a worker, by name: without a run, and the tick once more with a run whose work others are at."""
    tools = make_tools(database)
    tools.in_hand.add(SOME_WORK)
    jobs = _jobs_of(tools)
    counts = {name: await _second(database, job) for name, job in jobs.items()}
    await _let_a_run_go_on(tools, slug)
    return {**counts, "tick, while a run goes on": await _second(database, jobs["tick"])}


async def count_bot(database: Database, slug: str) -> Mapping[str, Count]:
    """The looks of the bot: without a run, and at the cards once more with a run that an operator follows."""
    tools, courier = make_tools(database), cast(BotCourier, SilentCourier())
    board = Board(tools, courier)

    async def look_at_cards() -> None:
        await board._look_at_all()
        for task in [*board._tasks.values()]:
            await task

    looks: dict[str, Job] = {
        "look at the cards": look_at_cards,
        "look for faults to tell": Herald(tools, courier)._look,
        "look for chats that offer themselves": Offers(tools, courier)._look,
        "look after public bots": make_pool(tools, 1)._look,
    }
    counts = {name: await _second(database, look) for name, look in looks.items()}
    await _let_a_run_go_on(tools, slug, chat_id=7)
    return {**counts, "look at the cards, one of them followed": await _second(database, look_at_cards)}


async def _second(database: Database, job: Job) -> Count:
    """The count of its second round: in the first it finds out where it is."""
    await job()
    with counting(database) as count:
        await job()
    return count


def _jobs_of(tools: Toolbox) -> dict[str, Job]:
    """Whatever a worker's pulse does again and again; a job that somebody adds is among them."""
    jobs: dict[str, Job] = {}

    async def write_down(every_s: float, job: Job) -> None:
        """Instead of doing it."""

    def note(every_s: float, job: Job) -> Awaitable[None]:
        jobs[NAMES.get(name := getattr(job, "__qualname__", "?"), name)] = job
        return write_down(every_s, job)

    with patch.object(pulse, "_every", note):
        beating = Pulse(tools, make_worker_record("worker", tools.owner, ("categorize",), 1))
        beating.start()
    beating.refused.cancel()
    return jobs


async def _let_a_run_go_on(tools: Toolbox, slug: str, chat_id: int | None = None) -> None:
    await open_desk(tools.database, make_posts(5), make_spec(slug, sources=(slug,)))
    started = await start_run(tools, Order(slug, chat_id=chat_id, message_id=1 if chat_id else None))
    async with tools.database.read() as session:
        planning = await work.plan_of(session, started.run.id)
    assert planning is not None
    await perform(tools, WorkKind.PLAN, planning)
