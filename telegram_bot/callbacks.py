"""What our buttons say when they are pressed, in the 64 bytes that Telegram allows.

The number in a prefix is its version: raise it when what a button says changes, so that no outdated button is misread.
"""

from __future__ import annotations

from enum import StrEnum

from aiogram.filters.callback_data import CallbackData


class BotAction(StrEnum):
    """What is to be done with the public bot that is chosen."""

    DIGEST = "d"
    READERS = "r"


class DraftAction(StrEnum):
    """What is to be done with a draft that waits for approval."""

    PUBLISH = "p"
    PREVIEW = "v"
    REGENERATE = "r"
    DISCARD = "x"


class DeliveryAction(StrEnum):
    """What is to be done with a delivery."""

    PAUSE = "p"
    RESUME = "r"
    RESEND = "u"


class CancelRun(CallbackData, prefix="c1"):
    run_id: int


class ChooseBot(CallbackData, prefix="b1"):
    """`period` and `limit` are those of the command, checked before; None: not given."""

    action: BotAction
    bot_id: int
    period: str | None = None
    limit: int | None = None


class AddSource(CallbackData, prefix="s1"):
    chat_id: int
    add: bool


class SendAgain(CallbackData, prefix="a1"):
    """Send the part of the digest again that may not have arrived."""

    run_id: int


class DecideDraft(CallbackData, prefix="d1"):
    run_id: int
    action: DraftAction


class SteerDelivery(CallbackData, prefix="y1"):
    run_id: int
    action: DeliveryAction


class ChooseTopic(CallbackData, prefix="t1"):
    """`index` is the category's place among those of the public bot, whose names `seal` is the checksum of."""

    seal: int
    index: int
    wanted: bool


class ChooseLanguage(CallbackData, prefix="l1"):
    language: str


class ForgetMe(CallbackData, prefix="f1"):
    """A reader's answer to the question whether they mean it."""

    sure: bool


class ShowBots(CallbackData, prefix="w1"):
    """The list of public bots, from its page 0 on."""

    page: int


class ShowBot(CallbackData, prefix="v1"):
    """`page` is where the list stands that one comes from."""

    bot_id: int
    page: int


class PauseBot(CallbackData, prefix="p1"):
    """Pause a public bot, or let it go on."""

    bot_id: int
    page: int
    pause: bool


class NewInvitation(CallbackData, prefix="i1"):
    """`number` tells it from the invitations that there are: pressed twice it is one."""

    bot_id: int
    number: int


class ExportReaders(CallbackData, prefix="x1"):
    bot_id: int


class RetryRun(CallbackData, prefix="r1"):
    run_id: int


class AdmitChat(CallbackData, prefix="o1"):
    """An operator's answer to the question whether a group or channel is to get the digests."""

    subscriber_id: int
    accept: bool
