"""The card of a digest on its way to its readers, and what came of that."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from aiogram.types import InlineKeyboardMarkup

from pipeline.stages.pace import delivery_began, delivery_left_s, delivery_rate
from storage.records import DeliveryProgress, RunProgress, RunState, Unreached
from telegram_bot.callbacks import CancelRun, DeliveryAction, SteerDelivery
from telegram_bot.views.card_stage import bar, counted
from telegram_bot.views.view import Node, buttons, in_words, lines, name, paragraphs
from texts import Texts

REASONS: Mapping[str, str] = MappingProxyType(
    {
        Unreached.BLOCKED: "unreached.blocked",
        Unreached.DEACTIVATED: "unreached.deactivated",
        Unreached.NOT_FOUND: "unreached.not_found",
        Unreached.REMOVED: "unreached.removed",
        Unreached.NO_RIGHTS: "unreached.no_rights",
        Unreached.NEVER_STARTED: "unreached.never_started",
        Unreached.STOPPED: "unreached.stopped",
        Unreached.CANCELLED: "unreached.cancelled",
        Unreached.HALTED: "unreached.halted",
    }
)
OTHERWISE = "unreached.refused"


def delivering(progress: RunProgress, texts: Texts, now: datetime, messages_per_second: float) -> Node:
    """How many readers have it, how fast it goes, and what holds it up."""
    if progress.delivery is None and delivery_began(progress) > now:
        return _before_its_time(progress, texts, now)
    delivery = progress.delivery or DeliveryProgress(waiting=progress.readers)
    held = _what_holds_it(progress, texts, now)
    return paragraphs(
        [
            lines(
                [
                    held or texts.get("card.stage.delivering"),
                    f"{bar(delivery.ended, delivery.total)} {counted(delivery.ended, delivery.total, texts)}",
                    _fates(delivery, texts),
                    None if held else _pace(progress, texts, now, messages_per_second),
                ]
            ),
            texts.get("delivery.cancel_means"),
        ]
    )


def steering(progress: RunProgress, texts: Texts) -> InlineKeyboardMarkup:
    """Pause or Resume, Cancel, and where some are in doubt, Resend."""
    run = progress.run
    label, action = texts.get("button.pause"), DeliveryAction.PAUSE
    if run.is_paused:
        label, action = texts.get("button.resume"), DeliveryAction.RESUME
    cancel = (texts.get("button.cancel"), CancelRun(run_id=run.id))
    return buttons([[(label, SteerDelivery(run_id=run.id, action=action)), cancel], *_resend_row(progress, texts)])


def outcome(delivery: DeliveryProgress, texts: Texts) -> Node | None:
    """Who was not reached and why, who may or may not have it, who is just being sent it; None: everybody has it."""
    rows: list[Node | None] = []
    if delivery.failed:
        rows.append(f"✖️ {_failed(delivery, texts)}")
    if delivery.uncertain:
        uncertain = texts.get("delivery.uncertain", number=texts.number(delivery.uncertain))
        rows.append(f"❔ {uncertain}")
    if delivery.waiting:
        rows.append(texts.plural("delivery.on_its_way", delivery.waiting))
    return lines(rows) if rows else None


def resending(progress: RunProgress, texts: Texts) -> InlineKeyboardMarkup | None:
    """A button to send it once more to those of whom nobody knows whether they have it."""
    row = _resend_row(progress, texts) if progress.run.state is RunState.DONE else []
    return buttons(row) if row else None


def _resend_row(progress: RunProgress, texts: Texts) -> list[list[tuple[str, SteerDelivery]]]:
    if progress.delivery is None or not progress.delivery.uncertain:
        return []
    label = texts.get("button.resend", number=texts.number(progress.delivery.uncertain))
    return [[(label, SteerDelivery(run_id=progress.run.id, action=DeliveryAction.RESEND))]]


def _before_its_time(progress: RunProgress, texts: Texts, now: datetime) -> Node:
    time = texts.moment(delivery_began(progress), now, progress.run.timezone)
    return lines(
        [
            f"⏰ {texts.get('delivery.scheduled', time=time)}",
            texts.plural("approval.readers", progress.readers),
            f"⏸ {texts.get('delivery.paused')}" if progress.run.is_paused else None,
        ]
    )


def _what_holds_it(progress: RunProgress, texts: Texts, now: datetime) -> str | None:
    """Said in the place of the stage, and without a clock: it may last for hours."""
    if progress.run.is_paused:
        return f"⏸ {texts.get('delivery.paused')}"
    if progress.token_fault is not None:
        return f"⚠️ {in_words(progress.token_fault, {}, texts)}"
    if progress.is_bot_paused:
        return f"⏸ {texts.get('delivery.bot_paused')}"
    if progress.parked_until is not None and progress.parked_until > now:
        time = texts.moment(progress.parked_until, now, progress.run.timezone)
        return f"⏳ {texts.get('delivery.parked', time=time)}"
    if progress.waits_because is not None:
        return f"⏳ {texts.get('delivery.in_trouble', reason=name(progress.waits_because))}"
    return None


def _fates(delivery: DeliveryProgress, texts: Texts) -> str:
    return texts.get(
        "delivery.fates",
        delivered=texts.number(delivery.delivered),
        failed=texts.number(delivery.failed),
        uncertain=texts.number(delivery.uncertain),
    )


def _pace(progress: RunProgress, texts: Texts, now: datetime, messages_per_second: float) -> str:
    passed_s = (now - delivery_began(progress)).total_seconds()
    left_s = delivery_left_s(progress, now, messages_per_second)
    rate = delivery_rate(progress, now)
    said = [texts.get("card.elapsed", duration=texts.duration(passed_s))]
    said += [texts.get("card.left", duration=texts.duration(left_s))] if left_s is not None else []
    said += [texts.get("delivery.rate", rate=texts.rate(rate))] if rate is not None else []
    return " · ".join(said)


def _failed(delivery: DeliveryProgress, texts: Texts) -> str:
    reasons = _reasons(delivery, texts)
    if len(reasons) == 1:
        return texts.get("delivery.failed", reasons=reasons[0])
    number = texts.number(delivery.failed)
    return texts.get("delivery.failed_for_many_reasons", number=number, reasons=", ".join(reasons))


def _reasons(delivery: DeliveryProgress, texts: Texts) -> list[str]:
    """The commonest first."""
    found = sorted((delivery.reasons or {}).items(), key=lambda reason: -reason[1])
    return [texts.plural(REASONS.get(reason, OTHERWISE), number) for reason, number in found]
