"""Keeping one card up to date: the next step of what a chat is shown of a run, and what comes of trying it.

Which cards there are to be looked after is for telegram_bot/progress.py.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from pipeline.adapters.courier import BotCourier
from pipeline.errors import MessageGone, MessageRefused, Migrated, Retryable, TokenRefused, Uncertain, Unreachable
from pipeline.log_marks import about, found_by, new_error_id
from pipeline.meter import CardEdit
from pipeline.services.bugs import report_bug
from pipeline.toolbox import Toolbox
from storage import cards
from storage.database import trouble
from storage.records import Card, RunProgress, RunState
from telegram_bot.announcing import Announcer
from telegram_bot.card_edits import counted
from telegram_bot.pacing import Pace
from telegram_bot.steps import Step, is_over, next_step
from telegram_bot.views.card import render_card
from telegram_bot.views.card_approval import Draft
from telegram_bot.views.view import View
from texts import Texts

log = logging.getLogger(__name__)

PRIVATE_INTERVAL_S = 2.0
GROUP_INTERVAL_S = 3.0
CLOCK_MOVES_EVERY_S = 10.0
AFTER_A_BUG_S = 10.0


class Service(NamedTuple):
    """Who there is to work on a run."""

    worker: bool
    broker: bool


class Shown(NamedTuple):
    """What a card has said, and when."""

    view: View
    at: float
    state: RunState
    service: Service


class CardKeeper:
    """Takes one step for a card at a time. `look_after` is told in how many seconds there may be another one."""

    def __init__(self, tools: Toolbox, courier: BotCourier, look_after: Callable[[float], None]) -> None:
        self._tools = tools
        self._courier = courier
        self._look_after = look_after
        self._pace = Pace()
        self._announcer = Announcer(tools, courier, self._pace)
        self._last: dict[int, Shown] = {}
        self._sent_as: dict[int, int] = {}  # by card, new messages that the database does not know yet

    async def attend(self, card: Card, progress: RunProgress, served: Service) -> None:
        """Do what is to be done for this card now, if anything is."""
        with about(run=progress.run.id, bot=progress.run.bot_slug):
            await self._attend_now(card, progress, served)

    async def take_away(self, chat_id: int, message_id: int) -> None:
        """Delete a card that a newer one replaces; where that fails it stays, and does no harm."""
        try:
            await self._courier.delete(chat_id, message_id)
        except (Retryable, Uncertain, Unreachable, Migrated, TokenRefused, MessageRefused) as error:
            log.info("An old card could not be deleted: %s", error)

    async def _attend_now(self, card: Card, progress: RunProgress, served: Service) -> None:
        step = self._next_step(card, progress, served)
        if step is None:
            return
        is_new = card.message_id is None and not card.is_below_draft
        waits_its_turn = step is Step.SEND or (step is Step.SHOW and not is_new)
        if (left_s := self._pace.left_s(card.chat_id, is_answer=not waits_its_turn)) > 0:
            self._look_after(left_s)
            return
        try:
            await self._take(step, card, progress, served)
            self._look_after(0)
        except Retryable as error:
            self._pace.obey(card.chat_id, error.after_s or PRIVATE_INTERVAL_S)
        except Uncertain as error:
            log.info("What chat %d was sent last is sent again: %s.", card.chat_id, error)
            self._pace.obey(card.chat_id, PRIVATE_INTERVAL_S)
        except Migrated as error:
            log.info("Chat %d is %d now; its cards go on there.", card.chat_id, error.chat_id)
            await self._move(card, error.chat_id)
        except Unreachable as error:
            log.warning("Chat %d cannot be written to (%s): the run is not shown there.", card.chat_id, error)
            await self._close(card)
        except MessageRefused as error:
            log.error("Telegram refuses the card: %s.", error)
            await self._give_up(card)
        except TokenRefused:
            log.error("Telegram does not know the admin bot's token: the run is not shown.")
            self._pace.obey(card.chat_id, AFTER_A_BUG_S)
        except SQLAlchemyError as error:
            log.warning("What chat %d was shown is written down later: %s.", card.chat_id, trouble(error))
        except Exception:
            error_id = new_error_id()
            log.exception("The run could not be shown in chat %d.", card.chat_id, extra=found_by(error_id))
            bot_id = progress.run.public_bot_id
            await report_bug(self._tools, "faults.card_bug", error_id, public_bot_id=bot_id, run_id=card.run_id)
            self._pace.obey(card.chat_id, AFTER_A_BUG_S)

    def _next_step(self, card: Card, progress: RunProgress, served: Service) -> Step | None:
        last = self._last.get(card.id)
        return next_step(
            card,
            progress,
            is_behind=self._is_behind(card, progress, served),
            has_said_state=card.message_id is not None and last is not None and last.state is progress.run.state,
            has_more=self._announcer.has_more(card, progress.run),
        )

    async def _take(self, step: Step, card: Card, progress: RunProgress, served: Service) -> None:
        match step:
            case Step.SHOW:
                await self._show(card, progress, served)
            case Step.SEND:
                await self._announcer.send_next(card, progress)
            case Step.MOVE_BELOW_DRAFT:
                await self._move_below_draft(card)
            case Step.CLOSE:
                await self._close(card)

    def _is_behind(self, card: Card, progress: RunProgress, served: Service) -> bool:
        """The run has changed, or whether somebody works on it, or its clock should move on."""
        if card.shown_version != progress.run.version or card.message_id is None or card.id not in self._last:
            return True
        last = self._last[card.id]
        return served != last.service or time.monotonic() - last.at >= CLOCK_MOVES_EVERY_S

    async def _show(self, card: Card, progress: RunProgress, served: Service) -> None:
        view = self._view(card, progress, served, self._tools.now())
        message_id = card.message_id or self._sent_as.get(card.id)
        self._pace.pause(card.chat_id, GROUP_INTERVAL_S if card.chat_id < 0 else PRIVATE_INTERVAL_S)
        if message_id is None:
            message_id = await counted(self._courier.send(card.chat_id, **view.as_kwargs()), self._tools.meter)
            self._sent_as[card.id] = message_id
        elif card.id not in self._last or self._last[card.id].view != view:
            try:
                await counted(self._courier.edit(card.chat_id, message_id, **view.as_kwargs()), self._tools.meter)
            except MessageGone:
                async with self._tools.database.write() as session:
                    await cards.gone(session, card.id, message_id)
                return
        else:
            self._tools.meter.card_edited(CardEdit.UNCHANGED)
        self._last[card.id] = Shown(view, time.monotonic(), progress.run.state, served)
        async with self._tools.database.write() as session:
            version, is_final = progress.run.version, is_over(progress)
            await cards.shown(session, card.id, version, card.message_id, message_id, is_final=is_final)
        self._sent_as.pop(card.id, None)

    def _view(self, card: Card, progress: RunProgress, served: Service, now: datetime) -> View:
        llm = self._tools.settings.llm
        return render_card(
            progress,
            texts=Texts(card.language),
            now=now,
            worker_available=served.worker,
            broker_available=served.broker,
            prices_known=llm.input_price_per_million > 0 or llm.output_price_per_million > 0,
            auto_chosen=llm.provider == "auto",
            draft=Draft.ABOVE if card.is_below_draft else Draft.FOLLOWS,
            messages_per_second=self._tools.settings.delivery.messages_per_second,
        )

    async def _move_below_draft(self, card: Card) -> None:
        """The question is to notify the operators and to stand right under what it is about."""
        self._last.pop(card.id, None)
        async with self._tools.database.write() as session:
            is_moved = await cards.move_below_draft(session, card.id)
        if is_moved and card.message_id is not None:
            await self.take_away(card.chat_id, card.message_id)

    async def _move(self, card: Card, new_chat_id: int) -> None:
        self._last.pop(card.id, None)
        async with self._tools.database.write() as session:
            await cards.move(session, card.chat_id, new_chat_id)
        self._look_after(0)

    async def _give_up(self, card: Card) -> None:
        async with self._tools.database.write() as session:
            await cards.give_up(session, card.id)

    async def _close(self, card: Card) -> None:
        self._last.pop(card.id, None)
        self._announcer.forget(card)
        async with self._tools.database.write() as session:
            await cards.announced(session, card.id, self._tools.now())
