"""/topics and /language: what a reader wants to read, and how they are spoken to."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from pipeline.services import reading
from pipeline.toolbox import Toolbox
from storage.records import PublicBot, Subscriber
from telegram_bot.callbacks import ChooseLanguage, ChooseTopic
from telegram_bot.editing import show
from telegram_bot.views import readers as views
from telegram_bot.views.answers import outdated_button
from texts import LANGUAGES, Texts


def make_router() -> Router:
    router = Router(name="choosing")
    router.message.register(topics, Command("topics", ignore_case=True, ignore_mention=True))
    router.message.register(language, Command("language", ignore_case=True, ignore_mention=True))
    router.callback_query.register(topic_pressed, ChooseTopic.filter())
    router.callback_query.register(language_pressed, ChooseLanguage.filter())
    return router


async def topics(message: Message, public_bot: PublicBot, reader: Subscriber | None, texts: Texts) -> None:
    view = views.render_topics(public_bot, reader.left_out, texts=texts) if reader else views.render_unknown(texts)
    await message.answer(**view.as_kwargs())


async def topic_pressed(
    query: CallbackQuery,
    callback_data: ChooseTopic,
    public_bot: PublicBot,
    reader: Subscriber | None,
    tools: Toolbox,
    texts: Texts,
) -> None:
    if reader is None:
        await show(query, views.render_unknown(texts))
        return
    if callback_data.seal != views.seal_of(public_bot):
        await show(query, views.render_topics(public_bot, reader.left_out, texts=texts), texts.get("reader.new_topics"))
        return
    name, wanted = public_bot.spec.categories[callback_data.index].name, callback_data.wanted
    left_out = await reading.choose_topic(tools, public_bot, query.from_user.id, name, wanted=wanted)
    is_refused = not wanted and name not in left_out
    answer = texts.get("reader.last_topic") if is_refused else None
    await show(query, views.render_topics(public_bot, left_out, texts=texts), answer)


async def language(message: Message, reader: Subscriber | None, texts: Texts) -> None:
    view = views.render_languages(texts) if reader else views.render_unknown(texts)
    await message.answer(**view.as_kwargs())


async def language_pressed(
    query: CallbackQuery, callback_data: ChooseLanguage, public_bot: PublicBot, tools: Toolbox, texts: Texts
) -> None:
    if callback_data.language not in LANGUAGES:
        await query.answer(outdated_button(texts))
    elif await reading.choose_language(tools, public_bot.id, query.from_user.id, callback_data.language):
        await show(query, views.render_language_chosen(Texts(callback_data.language)))
    else:
        await show(query, views.render_unknown(texts))
