"""The buttons under a draft and under a delivery. The first press counts; whoever comes later is told whose it was."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.types import CallbackQuery

from pipeline.errors import Retryable, Uncertain
from pipeline.services import publishing
from pipeline.services.following import load_progress
from pipeline.toolbox import Toolbox
from storage.records import ActionKind, Actor
from telegram_bot.callbacks import DecideDraft, DeliveryAction, DraftAction, SteerDelivery
from telegram_bot.progress import Board
from telegram_bot.views import answers
from texts import Texts

DECISIONS = (ActionKind.PUBLISH, ActionKind.DISCARD, ActionKind.REGENERATE, ActionKind.CANCEL)


def make_router() -> Router:
    router = Router(name="decisions")
    router.callback_query.register(publish, DecideDraft.filter(F.action == DraftAction.PUBLISH))
    router.callback_query.register(preview, DecideDraft.filter(F.action == DraftAction.PREVIEW))
    router.callback_query.register(regenerate, DecideDraft.filter(F.action == DraftAction.REGENERATE))
    router.callback_query.register(discard, DecideDraft.filter(F.action == DraftAction.DISCARD))
    router.callback_query.register(pause, SteerDelivery.filter(F.action == DeliveryAction.PAUSE))
    router.callback_query.register(resume, SteerDelivery.filter(F.action == DeliveryAction.RESUME))
    router.callback_query.register(resend, SteerDelivery.filter(F.action == DeliveryAction.RESEND))
    return router


async def publish(
    query: CallbackQuery, callback_data: DecideDraft, tools: Toolbox, board: Board, texts: Texts, actor: Actor
) -> None:
    is_first = await publishing.publish(tools, callback_data.run_id, actor)
    board.look()
    if is_first:
        await query.answer(answers.published(texts))
    else:
        await _too_late(query, callback_data.run_id, DECISIONS, tools, texts)


async def discard(
    query: CallbackQuery, callback_data: DecideDraft, tools: Toolbox, board: Board, texts: Texts, actor: Actor
) -> None:
    is_first = await publishing.discard(tools, callback_data.run_id, actor)
    board.look()
    if is_first:
        await query.answer(answers.discarded(texts))
    else:
        await _too_late(query, callback_data.run_id, DECISIONS, tools, texts)


async def regenerate(
    query: CallbackQuery, callback_data: DecideDraft, tools: Toolbox, board: Board, texts: Texts, actor: Actor
) -> None:
    new = await publishing.regenerate(tools, callback_data.run_id, actor)
    board.look()
    if new is not None:
        await query.answer(answers.making_again(texts))
    else:
        await _too_late(query, callback_data.run_id, DECISIONS, tools, texts)


async def preview(query: CallbackQuery, callback_data: DecideDraft, tools: Toolbox, texts: Texts) -> None:
    try:
        await publishing.preview(tools, callback_data.run_id, query.from_user.id)
    except (Retryable, Uncertain):
        await query.answer(answers.preview_failed(texts), show_alert=True)
    else:
        await query.answer(answers.preview_sent(texts))


async def pause(
    query: CallbackQuery, callback_data: SteerDelivery, tools: Toolbox, board: Board, texts: Texts, actor: Actor
) -> None:
    is_first = await publishing.pause_delivery(tools, callback_data.run_id, actor)
    board.look()
    if is_first:
        await query.answer(answers.paused(texts))
    else:
        await _too_late(query, callback_data.run_id, (ActionKind.PAUSE_DELIVERY, ActionKind.CANCEL), tools, texts)


async def resume(
    query: CallbackQuery, callback_data: SteerDelivery, tools: Toolbox, board: Board, texts: Texts, actor: Actor
) -> None:
    is_first = await publishing.resume_delivery(tools, callback_data.run_id, actor)
    board.look()
    if is_first:
        await query.answer(answers.resumed(texts))
    else:
        await _too_late(query, callback_data.run_id, (ActionKind.RESUME_DELIVERY, ActionKind.CANCEL), tools, texts)


async def resend(
    query: CallbackQuery, callback_data: SteerDelivery, tools: Toolbox, board: Board, texts: Texts, actor: Actor
) -> None:
    readers = await publishing.resend_uncertain(tools, callback_data.run_id, actor)
    board.look()
    if readers:
        await query.answer(answers.resending(readers, texts))
    else:
        await _too_late(query, callback_data.run_id, (ActionKind.RESEND,), tools, texts)


async def _too_late(
    query: CallbackQuery, run_id: int, kinds: tuple[ActionKind, ...], tools: Toolbox, texts: Texts
) -> None:
    progress = await load_progress(tools, run_id)
    said = answers.decided_before(progress, *kinds, texts=texts, now=tools.now())
    await query.answer(said, show_alert=True)
