"""/schedule: when the public bots' digests come out."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command, CommandObject
from aiogram.types import Message

from pipeline.services.starting import find_bot, list_bots
from pipeline.toolbox import Toolbox
from telegram_bot.views.schedule import render_schedule
from texts import Texts


def make_router() -> Router:
    router = Router(name="schedule")
    router.message.register(schedule, Command("schedule"))
    return router


async def schedule(message: Message, command: CommandObject, tools: Toolbox, texts: Texts) -> None:
    bots = [await find_bot(tools, command.args.strip())] if command.args else await list_bots(tools)
    await message.answer(**render_schedule(bots, texts=texts, now=tools.now()).as_kwargs())
