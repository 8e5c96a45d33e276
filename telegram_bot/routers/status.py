"""/status: what is going on, or one run."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command, CommandObject
from aiogram.types import Message

from pipeline.services.following import find_progress
from pipeline.services.inspecting import Look, load_tasks
from pipeline.services.overview import load_overview, someone_works_on
from pipeline.toolbox import Toolbox
from telegram_bot.errands import Errands, Views
from telegram_bot.views.card import render_card
from telegram_bot.views.choices import render_not_understood
from telegram_bot.views.status import render_status
from telegram_bot.views.tasks import render_asking, render_tasks
from telegram_bot.words import parse_run_id
from texts import Texts

TASKS = frozenset({"--tasks", "—tasks", "–tasks", "tasks"})  # telephones make a dash of two hyphens


def make_router() -> Router:
    router = Router(name="status")
    router.message.register(status, Command("status"))
    return router


async def status(
    message: Message,
    command: CommandObject,
    tools: Toolbox,
    errands: Errands,
    look_at_tasks: Look,
    texts: Texts,
) -> None:
    if (command.args or "").strip().lower() in TASKS:
        said = await message.answer(**render_asking(texts).as_kwargs())
        errands.begin(said.chat.id, said.message_id, _tasks(tools, look_at_tasks, texts), texts)
    elif not command.args:
        overview = await load_overview(tools)
        await message.answer(**render_status(overview, texts=texts).as_kwargs())
    elif (run_id := parse_run_id(command.args)) is not None:
        await _one_run(message, run_id, tools, texts)
    else:
        await message.answer(**render_not_understood("status", command.args, texts=texts).as_kwargs())


async def _tasks(tools: Toolbox, look: Look, texts: Texts) -> Views:
    yield render_tasks(await load_tasks(tools, look), texts=texts)


async def _one_run(message: Message, run_id: int, tools: Toolbox, texts: Texts) -> None:
    progress = await find_progress(tools, run_id)
    llm = tools.settings.llm
    view = render_card(
        progress,
        texts=texts,
        now=tools.now(),
        worker_available=progress.run.state.has_ended or await someone_works_on(tools, run_id),
        prices_known=llm.input_price_per_million > 0 or llm.output_price_per_million > 0,
        auto_chosen=llm.provider == "auto",
        messages_per_second=tools.settings.delivery.messages_per_second,
    )
    await message.answer(**view.as_kwargs())
