"""The readers of a public bot as operators see them: numbers, invitations, a table of all."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.errors import ForPeople
from pipeline.stages.growth import day_ends
from pipeline.stages.plain_text import one_line
from pipeline.stages.readers_table import readers_csv
from pipeline.toolbox import Toolbox
from storage import audience, invitations, operators, public_bots, subscribers
from storage.records import ActionKind, Actor, Invitation, PublicBot, Survey

SPANS_DAYS = (7, 30)
GROWTH_DAYS = 14
LONGEST_ORIGIN = 64


@dataclass(frozen=True, slots=True)
class Table:
    """The readers of a public bot as a file."""

    file_name: str
    content: bytes
    readers: int


async def find_by_id(tools: Toolbox, bot_id: int) -> PublicBot | None:
    async with tools.database.read() as session:
        return await public_bots.by_id(session, bot_id)


async def load_survey(tools: Toolbox, bot: PublicBot) -> Survey:
    now = tools.now()
    ends = day_ends(now, bot.spec.timezone, GROWTH_DAYS)
    async with tools.database.read() as session:
        return Survey(
            bot=bot,
            audience=await audience.count(session, bot.id, now, SPANS_DAYS, ends),
            invitations=tuple(await invitations.of_bot(session, bot.id)),
        )


async def invite(tools: Toolbox, bot: PublicBot, origin: str, actor: Actor) -> Invitation:
    """The invitation for readers who come from `origin`, made where there is none.

    Raises:
        ForPeople: the origin is empty or too long.
    """
    shown = one_line(origin)
    if not 1 <= len(shown) <= LONGEST_ORIGIN:
        raise ForPeople("subscribers.bad_origin", longest=LONGEST_ORIGIN)
    now = tools.now()
    async with tools.database.write() as session:
        invitation, is_new = await invitations.invite(session, bot.id, shown, actor.id, now)
        if is_new:
            await operators.write_down(session, actor, ActionKind.INVITE, now, public_bot_id=bot.id, origin=shown)
    return invitation


async def invite_numbered(tools: Toolbox, bot: PublicBot, number: int, actor: Actor) -> Invitation:
    """The invitation that nobody has named: the day and the number tell it from others."""
    return await invite(tools, bot, f"{tools.now():%Y-%m-%d} №{number}", actor)


async def export_readers(tools: Toolbox, bot: PublicBot, actor: Actor) -> Table:
    """All readers of a public bot, those who have gone as well; who took them is written down first."""
    now = tools.now()
    async with tools.database.write() as session:
        await operators.write_down(session, actor, ActionKind.EXPORT, now, public_bot_id=bot.id)
    async with tools.database.read() as session:
        readers = await subscribers.with_origins(session, bot.id)
    return Table(f"{bot.slug}-readers-{now:%Y-%m-%d}.csv", readers_csv(readers), len(readers))
