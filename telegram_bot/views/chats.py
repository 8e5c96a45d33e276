"""Groups and channels that take a public bot in: the question to operators, what they decided, and a hello there."""

from __future__ import annotations

from pipeline.services.admitting import Decision, Offer
from storage.records import ChatKind
from telegram_bot.callbacks import AdmitChat
from telegram_bot.views.view import View, buttons, name
from texts import Texts


def render_chat_offer(offer: Offer, *, texts: Texts) -> View:
    """Asked of every operator; whoever answers first decides."""
    question = "chats.offer_channel" if offer.chat.kind is ChatKind.CHANNEL else "chats.offer_group"
    yes = (texts.get("button.admit_chat"), AdmitChat(subscriber_id=offer.chat.id, accept=True))
    no = (texts.get("button.decline_chat"), AdmitChat(subscriber_id=offer.chat.id, accept=False))
    sentence = texts.get(question, bot=name(offer.bot.title), title=name(offer.chat.title or ""))
    return View.of(sentence, buttons=buttons([[yes, no]]))


def render_chat_decided(decision: Decision, *, texts: Texts) -> View:
    """What stands in the place of the question: who said what, or that it is no question any more."""
    bot, title = name(decision.bot.title), name(decision.chat.title or "")
    if decision.by is None:
        return View.of(texts.get("chats.nothing_to_decide", bot=bot, title=title))
    said = "chats.accepted" if decision.is_accepted else "chats.declined"
    return View.of(texts.get(said, bot=bot, title=title, name=name(decision.by.name)))


def decided_before(decision: Decision, texts: Texts) -> str | None:
    """What a press that came too late is answered."""
    if decision.is_new or decision.by is None:
        return None
    return texts.get("chats.decided_before", name=name(decision.by.name))


def render_hello(decision: Decision, *, texts: Texts) -> View:
    """The public bot's first words in a group or channel."""
    return View.of(texts.get("chats.hello", bot=name(decision.bot.title)))
